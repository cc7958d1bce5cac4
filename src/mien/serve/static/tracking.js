/**
 * Follow faces from frame to frame: the same algorithm as `mien.predict.tracking.Tracker`, which a test compares it with.
 *
 * It runs here, because the server remembers nothing of the frames that it answered.
 */

const NEAR = 1; // how far a face's middle may be from where it is expected, in its sides
const ALIKE = 2; // how many times larger or smaller its side may be
const PATIENCE = 1; // seconds after which a face that is not seen is given up
const STEADY = 0.25; // seconds, a half-life, over which a face's motion is averaged

export class Tracker {
  #halfLife;
  #tracks = [];
  #count = 0;
  #before = 0;

  /** @param {number} halfLife of the probabilities' exponential average, in seconds; 0: none */
  constructor(halfLife = 0) {
    this.#halfLife = halfLife;
  }

  /**
   * Match the faces of a frame with those before.
   *
   * @param {number} time in seconds, later than all before
   * @param {Object[]} faces of the frame, in the server's JSON
   * @returns {Object[]} the faces, each with its number `track`, its probabilities averaged over time
   */
  follow(time, faces) {
    const patience = Math.max(PATIENCE, 1.5 * (time - this.#before)); // a face of the frame before is never given up
    this.#tracks = this.#tracks.filter((track) => time - track.time <= patience);
    this.#before = time;
    const matches = matched(this.#tracks, faces, time);
    return faces.map((face, place) => {
      const track = matches.get(place);
      if (track) return update(track, time, face, this.#halfLife);
      const first = { ...face, track: ++this.#count };
      this.#tracks.push({ face: first, time, motion: [0, 0] });
      return first;
    });
  }
}

/** Pair faces with tracks, the nearest first: Map of places in `faces` and tracks. */
function matched(tracks, faces, time) {
  const pairs = [];
  faces.forEach((face, place) => {
    for (const track of tracks) {
      const [size, before] = [side(face.box), side(track.face.box)];
      const [[x, y], [u, v]] = [middle(face.box), expected(track, time)];
      const apart = Math.hypot(x - u, y - v) / Math.sqrt(size * before);
      const ratio = Math.abs(Math.log(size / before));
      if (apart <= NEAR && ratio <= Math.log(ALIKE)) pairs.push({ cost: apart + ratio, place, track });
    }
  });
  const matches = new Map();
  const used = new Set();
  for (const { place, track } of pairs.sort((one, other) => one.cost - other.cost)) {
    if (matches.has(place) || used.has(track)) continue;
    matches.set(place, track);
    used.add(track);
  }
  return matches;
}

function update(track, time, face, halfLife) {
  const gap = Math.max(time - track.time, 1e-3);
  const [now, before] = [middle(face.box), middle(track.face.box)];
  const old = 0.5 ** (gap / STEADY);
  track.motion = track.motion.map((speed, axis) => old * speed + ((1 - old) * (now[axis] - before[axis])) / gap);
  const smooth = halfLife ? averaged(track.face, face, 0.5 ** (gap / halfLife)) : face;
  track.face = { ...smooth, track: track.face.track };
  track.time = time;
  return track.face;
}

/** A face whose probabilities count `old` parts of those before. */
function averaged(before, face, old) {
  const probabilities = {};
  for (const [emotion, share] of Object.entries(face.probabilities)) {
    probabilities[emotion] = old * (before.probabilities[emotion] ?? share) + (1 - old) * share;
  }
  const emotion = Object.keys(probabilities).reduce((most, name) =>
    probabilities[name] > probabilities[most] ? name : most,
  );
  return { ...face, probabilities, emotion };
}

const side = ([, , width, height]) => Math.max(Math.sqrt(width * height), 1);

const middle = ([x, y, width, height]) => [x + width / 2, y + height / 2];

/** Where a track's middle is expected: its motion leads on. */
function expected({ face, time, motion }, now) {
  const [x, y] = middle(face.box);
  return [x + (now - time) * motion[0], y + (now - time) * motion[1]];
}
