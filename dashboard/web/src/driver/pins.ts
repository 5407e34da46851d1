// The shapes of stations on the map, drawn once as images: circle free,
// rounded square few, square full, dashed ring unknown, cross out of order.
import type { Shape } from '../lib/states.ts';

const SIZE = 40; // CSS pixels of the picture
const RATIO = 2;

export const PIN_COLOUR: Record<'light' | 'dark', Record<Shape, string>> = {
  light: { free: '#0f7a62', few: '#8a5a00', full: '#2b5fa8', old: '#f6f7f4', fault: '#b3261e' },
  dark: { free: '#5fe0c0', few: '#f5b544', full: '#7db4f0', old: '#121c26', fault: '#ff5a45' },
};

/** Colour of the number on a pin. */
export const PIN_TEXT: Record<'light' | 'dark', { on: string; old: string }> = {
  light: { on: '#ffffff', old: '#4c5d6a' },
  dark: { on: '#06141c', old: '#eef4f8' },
};

export function pinImage(shape: Shape, theme: 'light' | 'dark'): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIZE * RATIO;
  const c = canvas.getContext('2d') as CanvasRenderingContext2D;
  c.scale(RATIO, RATIO);
  c.translate(SIZE / 2, SIZE / 2);
  c.fillStyle = PIN_COLOUR[theme][shape];
  c.strokeStyle = theme === 'light' ? '#ffffff' : '#eef4f8';
  c.lineWidth = 2.5;
  c.beginPath();
  if (shape === 'free') c.arc(0, 0, 17, 0, 2 * Math.PI);
  else if (shape === 'few') c.roundRect(-16, -16, 32, 32, 10);
  else if (shape === 'old') c.arc(0, 0, 16, 0, 2 * Math.PI);
  else c.rect(-15.5, -15.5, 31, 31);
  if (shape === 'old') {
    c.strokeStyle = theme === 'light' ? '#5d6b75' : '#a3b2be';
    c.setLineDash([5, 3.5]);
  }
  c.fill();
  c.stroke();
  if (shape === 'fault') cross(c, PIN_TEXT[theme].on);
  return c.getImageData(0, 0, canvas.width, canvas.height);
}

function cross(c: CanvasRenderingContext2D, colour: string): void {
  c.strokeStyle = colour;
  c.lineWidth = 4;
  c.beginPath();
  c.moveTo(-7, -7);
  c.lineTo(7, 7);
  c.moveTo(7, -7);
  c.lineTo(-7, 7);
  c.stroke();
}

export const PIN_RATIO = RATIO;
