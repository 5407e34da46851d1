import '../lib/tokens.css';
import './driver.css';
import { mount } from 'svelte';
import { chooseLang, recall } from '../lib/i18n.ts';
import Driver from './Driver.svelte';

const query = new URLSearchParams(location.search);
const lang = chooseLang(query.get('lang'), recall('lang'), navigator.languages);

mount(Driver, { target: document.getElementById('app') as HTMLElement, props: { firstLang: lang } });
