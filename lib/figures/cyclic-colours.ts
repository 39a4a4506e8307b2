/**
 * @file A colour scale that ends where it begins, for residues: p − 1 is a neighbour of 0, and looks it.
 *
 * The scale is a circle in the plane of lightness and blue–yellow of the Oklab colour space, leaning a little towards red
 * in the dark half. Equal steps around it look equally large, and since that plane is the one that every common colour
 * vision keeps, no two residues become one to a colour-blind reader.
 *
 * @see Ottosson 2020, "A perceptual color space for image processing" (Oklab)
 */

const CENTRE = { lightness: 0.61, a: 0.02, b: -0.005 };
const RADIUS = { lightness: 0.21, a: 0.05, b: 0.105 };

/**
 * The scale as Plotly wants it: pairs of a position from 0 to 1 and a colour, the first colour equal to the last.
 *
 * @param stops number of pairs, at least 2
 */
export function cyclicScale(stops = 33): [number, string][] {
  return Array.from({ length: stops }, (_, index) => {
    const position = index / (stops - 1);
    return [Number(position.toFixed(4)), cyclicColour(position)];
  });
}

/** The colour at a position on the circle, in turns; 0, 1 and every whole number are the same place. */
export function cyclicColour(turn: number): string {
  const angle = 2 * Math.PI * turn;
  return oklabToHex(
    CENTRE.lightness + RADIUS.lightness * Math.cos(angle),
    CENTRE.a - RADIUS.a * Math.cos(angle),
    CENTRE.b + RADIUS.b * Math.sin(angle),
  );
}

function oklabToHex(lightness: number, a: number, b: number): string {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return `#${linear.map(channel).join('')}`;
}

/** One linear sRGB channel, clipped to the gamut and gamma-encoded, as two hexadecimal digits. */
function channel(linear: number): string {
  const value = Math.min(Math.max(linear, 0), 1);
  const encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
  return Math.round(encoded * 255)
    .toString(16)
    .padStart(2, '0');
}
