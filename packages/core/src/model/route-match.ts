/** How one text of a request is compared (Istio `StringMatch`). A regular expression is RE2's and matches the whole text. */
export type TextMatch =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'regex'; readonly pattern: string }
  /** Anything, the empty text too, as long as it is there. */
  | { readonly kind: 'present' };

export interface NamedMatch {
  /** Of a header in lower case, or of a query parameter as written. */
  readonly name: string;
  readonly match: TextMatch;
}

/** Conditions that must all hold. One without any takes every call. */
export interface RouteMatch {
  readonly name?: string;
  /** `:path` without its query. A prefix is of the plain text, not of path segments. */
  readonly path?: TextMatch;
  /** Of `path`, and only for `exact` and `prefix`. */
  readonly ignoreCase?: true;
  readonly method?: TextMatch;
  readonly scheme?: TextMatch;
  /** The authority may carry a port. */
  readonly authority?: TextMatch;
  readonly headers: readonly NamedMatch[];
  /** None of these may match; a header that is absent counts as empty. */
  readonly withoutHeaders: readonly NamedMatch[];
  readonly queryParameters: readonly NamedMatch[];
}
