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
  nowKw: number | undefined;
  bands: DayBand[];
  t: Say;
}

const TINT = { peak: 'rgba(245,181,68,.10)', flat: 'transparent', valley: 'rgba(63,134,224,.12)' };
const INK2 = '#a9bac8';

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
    const today = points(day.today);
    if (day.nowKw !== undefined) today[Math.ceil(day.hour * 12)] = [day.hour, day.nowKw / 1000];
    this.#chart.setOption({
      animation: false,
      aria: { enabled: true },
      textStyle: { fontFamily: 'Barlow Condensed, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif' },
      grid: { left: 46 * rem, right: 14 * rem, top: 30 * rem, bottom: 26 * rem },
      xAxis: {
        type: 'value', min: 0, max: 24, interval: 4,
        axisLabel: { ...label, formatter: (h: number) => `${String(h).padStart(2, '0')}:00` },
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
              align: day.hour < 1 ? 'left' : day.hour > 23 ? 'right' : 'center',
            },
          },
          markArea: {
            silent: true, animation: false,
            label: { ...label, position: 'insideBottom' },
            data: day.bands.map((b) => [
              { name: b.kind === 'flat' ? '' : day.t(b.kind), xAxis: b.from, itemStyle: { color: TINT[b.kind] } },
              { xAxis: b.to },
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
