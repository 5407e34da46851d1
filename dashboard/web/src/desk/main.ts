import '../lib/tokens.css';
import './desk.css';
import { mount } from 'svelte';
import { chooseLang, recall } from '../lib/i18n.ts';
import { takeToken } from '../lib/session.ts';
import Page from './Page.svelte';

const query = new URLSearchParams(location.search);
const lang = chooseLang(query.get('lang'), recall('lang'), navigator.languages);
const given = takeToken(); // first of all, so that nothing reads the address before

mount(Page, { target: document.getElementById('app') as HTMLElement, props: { firstLang: lang, given } });
