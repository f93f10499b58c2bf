// What was aimed at, and whether it was reached.

const times = (x) => (x < 9.95 ? x.toFixed(2) : x.toFixed(0));

function judge(target, ours, rival, by, besides) {
  if (target.peak) {
    const peak = ours.peak / 1024;
    return { what: `peak memory under ${target.peak} MiB`, got: `${peak.toFixed(0)} MiB`, met: peak < target.peak };
  }
  if (target.size) {
    const ratio = ours.size / rival?.size;
    return { what: `file no larger than ${target.size} times that of ${target.against}`, got: `${times(ratio)} times`, met: ratio <= target.size };
  }
  if (target.within) {
    const ratio = (ours[by] - (besides?.[by] ?? 0)) / rival?.[by];
    const more = target.besides ? `, besides the ${target.besides}` : '';
    return { what: `within ${target.within} times ${target.against}${more}`, got: `${times(ratio)} times`, met: ratio <= target.within };
  }
  const ratio = rival?.[by] / ours[by];
  return { what: `${target.atLeast} times faster than ${target.against}`, got: `${times(ratio)} times`, met: ratio >= target.atLeast };
}

// by: 'wall' or 'cpu', the time that is compared. A target whose peer or size was not measured has met: null.
export function targetsOf(tasks, results, options, by) {
  return tasks.flatMap((task) => (task.targets ?? []).map((target) => {
    const rows = target.rows ?? Math.max(...(task.at ?? options.rows));
    const of = (name) => results.find((r) => r.task === task.name && r.rows === rows && r.name === name);
    const ours = of('Sheetflow'), rival = of(target.against);
    const besides = target.besides && of(target.besides);
    const measured = ours && (rival || !target.against) && (besides || !target.besides);
    return { task: task.name, rows, ...judge(target, ours ?? {}, rival, by, besides), ...(measured ? {} : { got: '', met: null }) };
  }));
}
