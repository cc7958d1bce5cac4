/** The camera of whoever looks at the page. */

/** Whether this browser lets the page see a camera: only on this machine, or by https. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

const REASONS = {
  NotAllowedError: "The browser does not let this page see the camera. Allow it in the address bar, then try again.",
  NotFoundError: "There is no camera here. Plug one in, then try again.",
  NotReadableError: "The camera is in use by another program. Close that, then try again.",
  OverconstrainedError: "That camera is gone. Choose another.",
};

/**
 * Open a camera and show it in a <video>.
 *
 * @param {HTMLVideoElement} video
 * @param {AbortSignal} signal closes the camera
 * @param {string} device its id; "" for the one that the browser thinks best
 * @returns {Promise<MediaStreamTrack>} the picture's track
 * @throws {Error} with words for people
 */
export async function openCamera(video, signal, device = "") {
  if (!hasCamera())
    throw new Error(
      "Browsers show a camera only to pages of this machine, or by https. " +
        "Open this page as http://localhost, or behind a proxy with https.",
    );
  const wish = device ? { deviceId: { exact: device } } : { facingMode: "user" };
  const constraints = { video: { ...wish, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } } };
  const stream = await navigator.mediaDevices.getUserMedia(constraints).catch((error) => {
    throw new Error(REASONS[error.name] ?? `The camera does not start: ${error.message}`);
  });
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  if (signal.aborted) close();
  signal.throwIfAborted();
  signal.addEventListener("abort", close);
  video.srcObject = stream;
  await video.play();
  return stream.getVideoTracks()[0];
}

/** The cameras that may be chosen: their ids and names, which are known once one is open. */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((one) => one.kind === "videoinput")
    .map((one, place) => ({ id: one.deviceId, name: one.label || `Camera ${place + 1}` }));
}

/** Whether a camera looks at the one who looks at the page, who is then shown as by a mirror. */
export const isMirror = (track) => track.getSettings().facingMode !== "environment";
