// Tables and sections of our own documents: definitions are told once, in docs,
// which are printed from the code that counts.

export interface DocTable {
  header: string[];
  rows: string[][];
}

export interface DocSection {
  title: string;
  lines: string[]; // of text and lists, tables left out
  tables: DocTable[];
}

const cells = (line: string): string[] =>
  line.replace(/^\||\|$/g, '').split('|').map((c) => plain(c.trim()));

/** Text without its marks. */
export function plain(text: string): string {
  return text.replace(/`([^`]*)`/g, '$1').replace(/\*\*([^*]+)\*\*/g, '$1').replace(/(^|\s)\*([^*]+)\*/g, '$1$2');
}

export function sectionsOf(markdown: string): DocSection[] {
  const out: DocSection[] = [{ title: '', lines: [], tables: [] }];
  let table: DocTable | null = null;
  for (const line of markdown.split('\n')) {
    const here = out[out.length - 1]!;
    const heading = /^#{1,3} (.*)$/.exec(line);
    if (heading) {
      out.push({ title: plain(heading[1] ?? ''), lines: [], tables: [] });
      table = null;
    } else if (/^\|[-| :]+\|$/.test(line)) {
      continue;
    } else if (line.startsWith('|')) {
      if (table) table.rows.push(cells(line));
      else here.tables.push((table = { header: cells(line), rows: [] }));
    } else {
      table = null;
      if (line.trim() && !line.startsWith('<!--')) here.lines.push(plain(line));
    }
  }
  return out;
}

/** The first table that has a column of this name. */
export function tableWith(sections: readonly DocSection[], column: string): DocTable {
  const found = sections.flatMap((s) => s.tables).find((t) => t.header.includes(column));
  return found ?? { header: [], rows: [] };
}

/** A table's rows as objects by the names of its columns. */
export function records(table: DocTable): Record<string, string>[] {
  return table.rows.map((row) => Object.fromEntries(table.header.map((name, i) => [name, row[i] ?? ''])));
}
