import '../lib/tokens.css';
import './wall.css';
import { mount } from 'svelte';
import { chooseLang, recall, tagOf } from '../lib/i18n.ts';
import { takeToken } from '../lib/session.ts';
import { takeFirst } from './first.ts';
import Wall from './Wall.svelte';

takeToken();
const query = new URLSearchParams(location.search);
const lang = chooseLang(query.get('lang'), recall('lang'), navigator.languages);
document.documentElement.lang = tagOf(lang);
document.documentElement.dataset.theme = 'dark';

const target = document.getElementById('app') as HTMLElement;
const first = takeFirst(target);
target.replaceChildren();
mount(Wall, { target, props: { lang, first } });
