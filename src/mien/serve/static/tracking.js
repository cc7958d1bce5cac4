/** Following faces from frame to frame, as `mien.predict.tracking` does, and averaging what is said of them. */

const NEAR = 1; // how far a face's middle may move between frames, in its sides
const ALIKE = 2; // how many times larger or smaller it may become
const PATIENCE = 1; // seconds after which a face that is not seen is given up
const HALF_LIFE = 0.2; // seconds over which probabilities are averaged

export class Tracker {
  #tracks = [];
  #count = 0;
  #before = 0;

  /**
   * Say which face is which.
   *
   * @param {number} time in seconds, later than all before
   * @param {Object[]} faces of the frame, in the server's JSON
   * @returns {Object[]} the faces, each with its number `track`, its probabilities averaged over time
   */
  follow(time, faces) {
    const patience = Math.max(PATIENCE, 1.5 * (time - this.#before)); // a face of the frame before is never given up
    this.#tracks = this.#tracks.filter((track) => time - track.time <= patience);
    this.#before = time;
    const taken = matched(this.#tracks, faces);
    return faces.map((face, place) => {
      const before = taken.get(place);
      const track = before?.number ?? ++this.#count;
      const now = { ...(before ? averaged(before, face, time) : face), track };
      if (before) Object.assign(before, { face: now, time });
      else this.#tracks.push({ number: track, face: now, time });
      return now;
    });
  }
}

/** Pair faces with tracks, the nearest first: Map of places in `faces` and tracks. */
function matched(tracks, faces) {
  const pairs = [];
  faces.forEach((face, place) => {
    for (const track of tracks) {
      const apart = distance(face.box, track.face.box);
      const ratio = Math.abs(Math.log(side(face.box) / side(track.face.box)));
      if (apart <= NEAR && ratio <= Math.log(ALIKE)) pairs.push({ cost: apart + ratio, place, track });
    }
  });
  const taken = new Map();
  const used = new Set();
  for (const { place, track } of pairs.sort((one, other) => one.cost - other.cost)) {
    if (taken.has(place) || used.has(track)) continue;
    taken.set(place, track);
    used.add(track);
  }
  return taken;
}

function averaged(before, face, time) {
  const kept = 0.5 ** ((time - before.time) / HALF_LIFE);
  const probabilities = {};
  for (const [emotion, part] of Object.entries(face.probabilities)) {
    probabilities[emotion] = kept * (before.face.probabilities[emotion] ?? part) + (1 - kept) * part;
  }
  const emotion = Object.keys(probabilities).reduce((most, name) =>
    probabilities[name] > probabilities[most] ? name : most,
  );
  return { ...face, probabilities, emotion };
}

const side = ([, , width, height]) => Math.max(Math.sqrt(width * height), 1);

function distance(one, other) {
  const middle = ([x, y, width, height]) => [x + width / 2, y + height / 2];
  const [x, y] = middle(one);
  const [u, v] = middle(other);
  return Math.hypot(x - u, y - v) / Math.sqrt(side(one) * side(other));
}
