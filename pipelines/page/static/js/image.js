// Pictures as the network reads them.

const GREY = "rgb(128, 128, 128)";

/** Draw a picture, or what a video shows, in the middle of a square; transparent parts become white. */
export function drawSquare(context, picture, size, around = GREY) {
  context.fillStyle = around;
  context.fillRect(0, 0, size, size);
  const { videoWidth: width = picture.width, videoHeight: height = picture.height } = picture;
  const scale = size / Math.max(width, height);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const [x, y] = [Math.floor((size - w) / 2), Math.floor((size - h) / 2)];
  context.fillStyle = "white";
  context.fillRect(x, y, w, h);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, x, y, w, h);
}

/** Return the pixels of a canvas without their opacity: red, green and blue, row by row. */
export function pixelsOf(context, size) {
  const { data } = context.getImageData(0, 0, size, size);
  return Uint8Array.from({ length: 3 * size * size }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]);
}

/** Return a canvas with pixels as the network reads them. */
export function canvasOf(pixels, size) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [size, size];
  const data = new ImageData(size, size);
  for (let i = 0; i < size * size; i += 1) {
    data.data.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
    data.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}

/** Return a picture of a file, upright; an Error of one line if it can't be read. */
export async function pictureOf(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`${file.name}: expected a picture that this browser reads, such as JPEG or PNG`);
  }
}
