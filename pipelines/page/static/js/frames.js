// Frames of videos as the network reads them, and pictures of what it reads.
import { canvasOf, drawSquare, pixelsOf } from "./image.js";

/** Return a function that makes a frame of what a picture or a video shows: fitted into a square, the rest black. */
export function framesOf(size, colours) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [size, size];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (picture) => {
    drawSquare(context, picture, size, "black");
    const pixels = pixelsOf(context, size);
    return colours === 3 ? pixels : greyOf(pixels);
  };
}

/** Return the grey of red, green and blue, as Pillow's mode L has it. */
export function greyOf(pixels) {
  const grey = (r, g, b) => (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
  return Uint8Array.from({ length: pixels.length / 3 }, (_, i) => grey(...pixels.subarray(3 * i, 3 * i + 3)));
}

/** Draw a frame of pictures on a canvas, each pixel as a square. */
export function drawFrame(canvas, frame, [size, , colours]) {
  const pixels = colours === 3 ? frame : Uint8Array.from({ length: 3 * frame.length }, (_, i) => frame[Math.floor(i / 3)]);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvasOf(pixels, size), 0, 0, canvas.width, canvas.height);
}

/** Draw a frame of joints (joints, 3) on a canvas: across and up. */
export function drawJoints(canvas, frame, colour) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour;
  const most = frame.reduce((largest, each) => Math.max(largest, Math.abs(each)), 1e-6);
  const place = (value) => 0.5 + (0.45 * value) / most;
  for (let i = 0; i < frame.length; i += 3) {
    context.beginPath();
    context.arc(place(frame[i]) * canvas.width, (1 - place(frame[i + 1])) * canvas.height, 5, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * Call take() at the times of frames while a video plays; return a function that stops it.
 *
 * It is called more often at once when the browser was late, so that the time stays right.
 */
export function sampled(video, rate, take, ended = () => {}) {
  const start = video.currentTime;
  let count = 0;
  const upTo = (due) => {
    for (; count < due; count += 1) take();
  };
  const before = (time) => Math.ceil((time - start) * rate - 0.01);
  const look = () => upTo(Math.min(Math.floor((video.currentTime - start) * rate + 0.01) + 1, before(video.duration)));
  const end = () => {
    stop();
    upTo(before(video.currentTime));
    ended();
  };
  const timer = setInterval(look, 500 / rate);
  const stop = () => {
    clearInterval(timer);
    video.removeEventListener("ended", end);
  };
  video.addEventListener("ended", end);
  look();
  return stop;
}

/** Let a video element play a file; return a function that stops it. An Error of one line if it can't be played. */
export async function played(video, file) {
  const address = URL.createObjectURL(file);
  const stop = () => {
    video.pause();
    video.removeAttribute("src");
    URL.revokeObjectURL(address);
  };
  try {
    video.src = address;
    await video.play();
  } catch {
    stop();
    throw new Error(`${file.name}: expected a video that this browser plays, such as MP4 or WebM`);
  }
  return stop;
}
