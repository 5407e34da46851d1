// The day's power as one ECharts instance: arrays of fixed length, no animation.
import { LineChart } from 'echarts/charts';
import { AriaComponent, GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components';
import { init, use, type ECharts } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { Day, DayBand } from './curve.ts';
import type { Say } from './say.ts';

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, AriaComponent, CanvasRenderer]);

export interface PowerDay {
  today: Day;
  yesterday: Day;
  hour: number; // of the day, now
  seen: [hour: number, kw: number][]; // since today's last row
  range: [from: number, to: number]; // hours shown
  bands: DayBand[];
  t: Say;
}

const TINT = { peak: 'rgba(245,181,68,.10)', flat: 'transparent', valley: 'rgba(63,134,224,.12)' };
const INK2 = '#a9bac8';

/** Hours since midnight as the clock shows them. */
function hourText(h: number): string {
  const minutes = Math.round(h * 60);
  return [Math.floor(minutes / 60), minutes % 60].map((n) => String(n).padStart(2, '0')).join(':');
}

/** A day as [hour, MW] points; the slots without a value stay, as gaps. */
function points(day: Day): [number, number | null][] {
  return day.map((kw, i) => [i / 12, kw === null ? null : kw / 1000]);
}

export class PowerChart {
  #chart: ECharts;
  #observer: ResizeObserver;
  #last: PowerDay | undefined;

  constructor(element: HTMLElement) {
    this.#chart = init(element, null, { renderer: 'canvas' });
    this.#observer = new ResizeObserver(() => {
      this.#chart.resize();
      if (this.#last) this.draw(this.#last);
    });
    this.#observer.observe(element);
  }

  draw(day: PowerDay): void {
    this.#last = day;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const label = { color: INK2, fontSize: 15 * rem };
    const [from, to] = day.range;
    const whole = to - from >= 24;
    const seen = day.seen.map(([h, kw]) => [h, kw / 1000]);
    const last = day.today.findLastIndex((kw) => kw !== null);
    const today = [...points(day.today).slice(0, last + 1), ...seen];
    const inside = (b: DayBand): boolean => b.from < to && b.to > from;
    const edge = (to - from) / 24; // nearer to an end, the label of `now` stays inside
    this.#chart.setOption({
      animation: false,
      aria: { enabled: true },
      textStyle: { fontFamily: 'Barlow Condensed, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif' },
      grid: { left: 46 * rem, right: 14 * rem, top: 30 * rem, bottom: 26 * rem },
      xAxis: {
        type: 'value', min: from, max: to, interval: whole ? 4 : (to - from) / 4,
        axisLabel: { ...label, formatter: hourText },
        splitLine: { show: false }, axisLine: { lineStyle: { color: '#31445a' } },
      },
      yAxis: {
        type: 'value', min: 0, splitNumber: 4, axisLabel: label,
        name: 'MW', nameTextStyle: { ...label, align: 'right' }, nameGap: 8 * rem,
        splitLine: { lineStyle: { color: '#22303d' } },
      },
      series: [
        {
          id: 'yesterday', name: day.t('yesterday'), type: 'line', showSymbol: false, data: points(day.yesterday),
          lineStyle: { color: '#7f93a3', width: 1.6 * rem, type: [4, 4] }, silent: true,
        },
        {
          id: 'today', name: day.t('today'), type: 'line', showSymbol: false, data: today, silent: true,
          lineStyle: { color: '#5fe0c0', width: 2.6 * rem }, areaStyle: { color: 'rgba(95,224,192,.12)' },
          markLine: {
            silent: true, symbol: 'none', animation: false, data: [{ xAxis: day.hour }],
            lineStyle: { color: '#eef4f8', width: rem, type: 'dashed' },
            label: {
              formatter: day.t('now'), color: '#eef4f8', fontSize: 15 * rem,
              align: day.hour - from < edge ? 'left' : to - day.hour < edge ? 'right' : 'center',
            },
          },
          markArea: {
            silent: true, animation: false,
            label: { ...label, position: 'insideBottom' },
            data: day.bands.filter(inside).map((b) => [
              {
                name: b.kind === 'flat' && whole ? '' : day.t(b.kind),
                xAxis: Math.max(from, b.from), itemStyle: { color: TINT[b.kind] },
              },
              { xAxis: Math.min(to, b.to) },
            ]),
          },
        },
      ],
    });
  }

  dispose(): void {
    this.#observer.disconnect();
    this.#chart.dispose();
  }
}
