// The same work in Polars.
//
//   polars.mjs filter|select|distinct IN OUT
//   polars.mjs join IN OUT SIDE
import pl from 'nodejs-polars';

const [verb, source, target, side] = process.argv.slice(2);
const table = pl.scanCSV(source);
const work = {
  filter: () => table.filter(pl.col('note').str.contains('(?i)urgent').and(pl.col('amount').gt(5000))),
  select: () => table.select('id', 'city', 'amount'),
  distinct: () => table.select('city', 'status').unique({ maintainOrder: true }),
  join: () => table.join(pl.scanCSV(side), { on: 'id', how: 'left' }),
};
(await work[verb]().collect()).writeCSV(target);
