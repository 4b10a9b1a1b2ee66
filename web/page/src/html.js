// Templates without a compiler and without eval: htm parses each template once. Whatever is put in
// becomes a text node or an attribute, never markup, so that nothing a job holds can run.
import { h } from 'preact';
import htm from 'htm';

export const html = htm.bind(h);
