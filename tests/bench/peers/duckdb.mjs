// The same work in DuckDB.
//
//   duckdb.mjs filter|select|distinct IN OUT
//   duckdb.mjs join IN OUT SIDE
import { DuckDBInstance } from '@duckdb/node-api';

const [verb, source, target, side] = process.argv.slice(2);
const text = (path) => `'${path.replaceAll("'", "''")}'`;
const queries = {
  filter: `SELECT * FROM read_csv(${text(source)}) WHERE note ILIKE '%urgent%' AND amount > 5000`,
  select: `SELECT id, city, amount FROM read_csv(${text(source)})`,
  distinct: `SELECT DISTINCT city, status FROM read_csv(${text(source)})`,
  join: `SELECT a.*, b.label FROM read_csv(${text(source)}) a LEFT JOIN read_csv(${text(side ?? '')}) b USING (id)`,
};
const connection = await (await DuckDBInstance.create(':memory:')).connect();
await connection.run(`COPY (${queries[verb]}) TO ${text(target)} (HEADER, DELIMITER ',')`);
