import '../lib/tokens.css';
import './driver.css';
import { mount } from 'svelte';
import { chooseLang, recall } from '../lib/i18n.ts';
import Driver from './Driver.svelte';
import { installable } from './install.ts';

const query = new URLSearchParams(location.search);
const lang = chooseLang(query.get('lang'), recall('lang'), navigator.languages);

mount(Driver, { target: document.getElementById('app') as HTMLElement, props: { firstLang: lang } });

installable();

// A newer build has other file names: what an old page asks for may be gone.
addEventListener('vite:preloadError', () => {
  if (navigator.onLine && Date.now() - Number(sessionStorage.getItem('reloaded') ?? 0) > 60_000) {
    sessionStorage.setItem('reloaded', String(Date.now()));
    location.reload();
  }
});
