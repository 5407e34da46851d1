import '../lib/tokens.css';
import './wall.css';
import { mount } from 'svelte';
import { chooseLang, recall, tagOf } from '../lib/i18n.ts';
import Wall from './Wall.svelte';

const query = new URLSearchParams(location.search);
const lang = chooseLang(query.get('lang'), recall('lang'), navigator.languages);
document.documentElement.lang = tagOf(lang);
document.documentElement.dataset.theme = 'dark';

mount(Wall, { target: document.getElementById('app') as HTMLElement, props: { lang } });
