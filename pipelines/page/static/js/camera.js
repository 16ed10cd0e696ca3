// A camera of the machine, whose picture is seen before it is taken.

/** Show the camera in a video element; return a function that stops it. */
export async function camera(video) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("No camera: browsers give it to pages by https or from this machine only.");
  }
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  try {
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}
