import type { SubjectName } from '@steelyard/tools/peers';
import { parseShape } from '../run/shape.ts';

const SUBJECTS: Readonly<Record<SubjectName | 'direct', string>> = {
  steelyard: 'Steelyard',
  nghttpx: 'nghttpx',
  haproxy: 'HAProxy',
  nginx: 'nginx',
  envoy: 'Envoy',
  direct: 'no proxy',
};

/** As people write it. */
export function subjectTitle(name: SubjectName | 'direct'): string {
  return SUBJECTS[name];
}

/** Name of a shape with the number of its upstreams, unless that is one. */
export function settingName(shape: string, upstreams: number): string {
  return upstreams === 1 ? shape : `${shape}, ${upstreams} upstreams`;
}

/** What callers do in it. */
export function settingAbout(shape: string, upstreams: number): string {
  const about = parseShape(shape)?.about ?? '';
  return upstreams === 1 ? about : `${about}, spread over ${upstreams} backends`;
}
