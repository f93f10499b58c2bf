/*
 * The schema, as the list of scripts that lead to it.
 *
 * migrations[n - 1] brings version n - 1 to version n; a script that has been released is never
 * changed. Each runs in a transaction of its own together with the new user_version.
 *
 * Notes on the tables:
 *   key        rows are ordered by it: the order in which they came
 *   ..._ns     nanoseconds since the epoch, UTC; 0: not yet
 *   last_seq   number of the conversation's last event; counted up in the transaction that adds one
 *   topic      of an event: the next one with the same topic takes its place
 *   Statuses and kinds are the words that clients see.
 */

#include "store/sqlite/db.h"

#include "base/log.h"

#include <stdio.h>

static const char *const migrations[] = {
    /* 1: conversations and all that hangs on them */
    "CREATE TABLE state ("
    "  name TEXT NOT NULL PRIMARY KEY,"
    "  value INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO state VALUES ('clean', 1), ('checked_ns', 0), ('store_id', random());"

    "CREATE TABLE conversations ("
    "  key INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  participant TEXT NOT NULL UNIQUE,"
    "  name TEXT,"
    "  status TEXT NOT NULL,"
    "  partition TEXT NOT NULL,"
    "  metadata TEXT NOT NULL,"
    "  created_ns INTEGER NOT NULL,"
    "  updated_ns INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX conversations_by_time ON conversations (created_ns, key);"
    "CREATE INDEX conversations_by_change ON conversations (updated_ns);"
    "CREATE INDEX conversations_by_status ON conversations (status, created_ns, key);"

    "CREATE TABLE messages ("
    "  key INTEGER PRIMARY KEY,"
    "  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,"
    "  id TEXT NOT NULL UNIQUE,"
    "  type TEXT NOT NULL,"
    "  content TEXT NOT NULL,"
    "  metadata TEXT NOT NULL,"
    "  created_ns INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX messages_by_conversation ON messages (conversation, key);"

    "CREATE TABLE runs ("
    "  key INTEGER PRIMARY KEY,"
    "  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,"
    "  id TEXT NOT NULL UNIQUE,"
    "  status TEXT NOT NULL,"
    "  steps TEXT NOT NULL,"
    "  input TEXT,"
    "  options TEXT NOT NULL,"
    "  error TEXT,"
    "  created_ns INTEGER NOT NULL,"
    "  started_ns INTEGER NOT NULL,"
    "  completed_ns INTEGER NOT NULL,"
    "  attempt INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX runs_by_conversation ON runs (conversation, key);"
    "CREATE INDEX runs_unfinished ON runs (key) WHERE status IN ('pending', 'running');"

    "CREATE TABLE steps ("
    "  key INTEGER PRIMARY KEY,"
    "  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  id TEXT NOT NULL UNIQUE,"
    "  place INTEGER NOT NULL,"
    "  operation TEXT NOT NULL,"
    "  arguments TEXT NOT NULL,"
    "  input_file TEXT,"
    "  output_file TEXT,"
    "  status TEXT NOT NULL,"
    "  progress INTEGER NOT NULL,"
    "  error TEXT,"
    "  result TEXT,"
    "  rows_in INTEGER NOT NULL,"
    "  rows_out INTEGER NOT NULL,"
    "  warnings TEXT NOT NULL,"
    "  started_ns INTEGER NOT NULL,"
    "  completed_ns INTEGER NOT NULL,"
    "  UNIQUE (run, place)"
    ") STRICT;"

    "CREATE TABLE files ("
    "  key INTEGER PRIMARY KEY,"
    "  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  kind TEXT NOT NULL CHECK (kind IN ('uploads', 'intermediate', 'outputs')),"
    "  base TEXT NOT NULL,"
    "  format TEXT NOT NULL,"
    "  facts TEXT NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  run INTEGER REFERENCES runs ON DELETE SET NULL,"
    "  created_ns INTEGER NOT NULL,"
    "  UNIQUE (conversation, name)"
    ") STRICT;"
    "CREATE INDEX files_by_run ON files (run) WHERE run IS NOT NULL;"

    "CREATE TABLE events ("
    "  key INTEGER PRIMARY KEY,"
    "  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,"
    "  seq INTEGER NOT NULL,"
    "  type TEXT NOT NULL,"
    "  topic TEXT,"
    "  body TEXT NOT NULL,"
    "  UNIQUE (conversation, seq)"
    ") STRICT;"
    "CREATE UNIQUE INDEX events_by_topic ON events (conversation, topic) WHERE topic IS NOT NULL;",

    /* 2: answers kept for Idempotency-Key */
    "CREATE TABLE replies ("
    "  scope TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  request TEXT NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  body TEXT NOT NULL,"
    "  created_ns INTEGER NOT NULL,"
    "  PRIMARY KEY (scope, key)"
    ") STRICT;"
    "CREATE INDEX replies_by_time ON replies (created_ns);",

    /* 3: keys of clients, and whose a conversation is */
    "CREATE TABLE api_keys ("
    "  key INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL,"
    "  role TEXT NOT NULL CHECK (role IN ('admin', 'writer', 'reader')),"
    "  owner TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL UNIQUE,"
    "  created_ns INTEGER NOT NULL,"
    "  expires_ns INTEGER NOT NULL,"
    "  last_used_ns INTEGER NOT NULL,"
    "  revoked_ns INTEGER NOT NULL"
    ") STRICT;"
    "ALTER TABLE conversations ADD COLUMN owner TEXT;"
    "CREATE INDEX conversations_by_owner ON conversations (owner, created_ns, key)"
    " WHERE owner IS NOT NULL;",

    /* 4: where a dialog with the bot stands */
    "ALTER TABLE conversations ADD COLUMN dialog TEXT;",
};

int db_schema_version(void)
{
    return (int)ARRAY_LEN(migrations);
}

static bool migrate_one(struct db *db, int version, struct err *err)
{
    char sql[128];
    struct err ignored;

    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
        DB_APPLICATION_ID, version);
    if (!db_exec(db, "BEGIN IMMEDIATE", err))
        return false;
    if (db_exec(db, migrations[version - 1], err) && db_exec(db, sql, err))
        return true;
    if (!sqlite3_get_autocommit(db->handle) && !db_exec(db, "ROLLBACK", &ignored))
        log_write(LOG_ERROR, "a failed migration could not be rolled back", NULL);
    return false;
}

bool db_identify(struct db *db, int64_t *version, struct err *err)
{
    int64_t found, application, tables;

    if (!db_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
        !db_int(db, "PRAGMA user_version", &found, err) ||
        !db_int(db, "PRAGMA application_id", &application, err))
        return false;
    if (application != DB_APPLICATION_ID && (tables > 0 || found != 0 || application != 0))
        return err_set(err, ERR_DATA, "the database file belongs to another program");
    if (found > db_schema_version())
        return err_set(err, ERR_STATE,
            "the database was written by a newer Sheetflow (schema %lld; this one knows up to %d); "
            "use that version or restore an older backup",
            (long long)found, db_schema_version());
    if (found < 0)
        return err_set(err, ERR_DATA, "the database's schema version is not valid");
    *version = found;
    return true;
}

bool db_migrate(struct db *db, int64_t version, struct err *err)
{
    char from[24], to[24];

    snprintf(from, sizeof from, "%lld", (long long)version);
    snprintf(to, sizeof to, "%d", db_schema_version());
    if (version > 0 && version < db_schema_version())
        log_write(LOG_INFO, "migrating the database", "from", from, "to", to, NULL);
    for (int next = (int)version + 1; next <= db_schema_version(); next++) {
        if (!migrate_one(db, next, err))
            return false;
    }
    return true;
}
