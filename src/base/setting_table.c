/*
 * Every setting: path, type, default, bounds, whether SIGHUP takes it, and what it means. A setting that is
 * not here does not exist; a new one is a line here and its use.
 */

#include "base/setting.h"

#include "base/log_file.h"

#include <string.h>

#define ROW(p, t, f, c, r, h) \
    .path = (p), .type = (t), .fallback = (f), .choices = (c), .reload = (r), .help = (h)
#define BOOL(path, fallback, reload, help)                    \
    {                                                         \
        ROW(path, SETTING_BOOL, fallback, NULL, reload, help) \
    }
#define INT(path, fallback, lo, hi, reload, help)                                      \
    {                                                                                  \
        ROW(path, SETTING_INT, fallback, NULL, reload, help), .min = (lo), .max = (hi) \
    }
#define STRING(path, fallback, reload, help)                    \
    {                                                           \
        ROW(path, SETTING_STRING, fallback, NULL, reload, help) \
    }
#define CHOICE(path, fallback, choices, reload, help)              \
    {                                                              \
        ROW(path, SETTING_CHOICE, fallback, choices, reload, help) \
    }
#define LIST(path, fallback, reload, help)                    \
    {                                                         \
        ROW(path, SETTING_LIST, fallback, NULL, reload, help) \
    }

/* http(s)://host[:port][/path]: what else a URL can hold would end up in logs, or means nothing here. */
static bool check_endpoint(const char *text, struct err *err)
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;

    if (!*text)
        return true;
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127 || strchr("@?#\\\"<>", *p))
            return err_set(err, ERR_ARG,
                "an address like http://127.0.0.1:11434/v1 is expected, without user name, query "
                "or blanks; a key belongs into model.key_file");
    }
    if (scheme == 0 || !text[scheme] || text[scheme] == '/' || text[scheme] == ':')
        return err_set(
            err, ERR_ARG, "an address that begins with http:// or https:// and a host is expected");
    return true;
}

/* It becomes part of a header. */
static bool check_key(const char *text, struct err *err)
{
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
            return err_set(err, ERR_ARG, "a key of printable ASCII characters is expected");
    }
    return true;
}

static const char *const log_levels[] = { "debug", "info", "warning", "error", NULL };
static const char *const logged_requests[] = { "none", "errors", "all", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const partitions[] = { "time-based", "hash-based", "folder-based", NULL };
static const char *const recovers[] = { "resume", "fail", NULL };
static const char *const sandboxes[] = { "try", "require", NULL };
static const char *const compressions[] = { "gzip", "zip", "tar", NULL };
static const char *const databases[] = { "postgresql", "mysql", "sqlite", NULL };

const struct setting setting_table[] = {
    STRING("app.name", "Sheetflow", false, "Name shown by /health."),
    STRING("app.environment", "production", false, "Name of the environment, shown by /health."),
    STRING("app.host", "127.0.0.1", false,
        "Address to listen on; a loopback address unless told otherwise."),
    BOOL("app.allow_public", "false", false,
        "Listen on an address that other machines reach although no key is asked for; the flag is "
        "--i-accept-no-auth-on-public-address."),
    INT("app.port", "5050", 0, 65535, false,
        "Port of the HTTP API, the page and the WebSocket; 0 takes a free one."),
    INT("app.threads", "8", 1, 256, false, "Requests handled at the same time."),
    LIST("app.allowed_hosts", "", true,
        "Host names, besides loopback ones and app.host, that requests may name."),

    STRING("api.prefix", "/api/v1", false, "Path before every endpoint."),
    STRING("api.locale", "en_US", true, "Locale told in the envelope."),
    INT("api.rate_limit", "0", 0, 1000000, true,
        "Requests a minute with one key, or from one address without one; 0 means no limit."),
    INT("api.timeout", "300", 1, 86400, false, "Seconds after which an idle connection is closed."),
    LIST("api.cors_origins", "http://localhost:3000,http://127.0.0.1:3000", true,
        "Origins of pages, besides the server's own, that may call the API."),

    BOOL("access.local_without_key", "true", true,
        "Let clients of this machine in without a key, while the server listens on loopback "
        "alone."),
    INT("access.max_connections_per_address", "200", 1, 1000000, false,
        "Connections from one address at the same time; loopback is not limited."),

    INT("quota.max_conversations", "0", 0, 100000000, true,
        "Conversations that one owner may have; 0 means no limit."),
    INT("quota.max_bytes_mb", "0", 0, 1000000000, true,
        "Room that all files of one owner may take, in MiB; 0 means no limit."),
    INT("quota.max_runs", "0", 0, 1000000, true,
        "Runs of one owner that may wait or be carried out at the same time; 0 means no limit."),
    INT("quota.max_uploads", "64", 0, 1000000, true,
        "Uploads of one owner, or from one address without a key, at the same time; 0 means no "
        "limit."),

    STRING("tls.certificate", "", false,
        "PEM file of the certificate, and those that lead to a known one; with it the server "
        "speaks "
        "HTTPS."),
    STRING("tls.key", "", false, "PEM file of the certificate's private key, without a password."),

    STRING("file.upload_folder", "", false,
        "Folder that holds files sent to operations while they are worked on; empty means tmp "
        "below "
        "the data folder."),
    STRING("file.output_folder", "", false,
        "Folder of results of operations; empty means results below the data folder."),
    LIST("file.allowed_extensions", ".csv,.tsv,.xlsx,.xlsm,.xls", true,
        "Suffixes of files that may be sent to operations."),
    INT("file.max_file_size_mb", "50", 1, 1048576, true,
        "Largest file sent to an operation, in MiB."),
    LIST("file.supported_encodings", "", true,
        "Encodings that `encoding` may name; empty means all."),
    INT("file.result_ttl_hours", "24", 1, 87600, true,
        "Hours until the result of an operation expires."),

    STRING("excel.default_sheet_name", "Sheet1", true, "Name of the sheet that is written."),
    STRING("excel.info_sheet_name", "Info", true, "Name of the sheet that describes the table."),
    INT("excel.max_column_width", "50", 5, 255, true,
        "Widest column that is fitted, in characters."),
    BOOL("excel.include_info_sheet", "true", true, "Write the Info sheet."),
    BOOL("excel.auto_adjust_columns", "true", true, "Fit column widths to the content."),

    LIST("sql.supported_databases", "postgresql,mysql,sqlite", true,
        "Databases that scripts may be written for."),
    CHOICE("sql.default_database", "postgresql", databases, true,
        "Dialect used when a step names none."),
    INT("sql.default_batch_size", "1000", 1, 1000000, true,
        "Rows a transaction holds when a step names no number."),
    BOOL("sql.include_transaction", "true", true,
        "Wrap INSERTs in transactions when a step does not say."),

    BOOL("normalization.enabled", "true", true, "Offer normalization/apply."),
    BOOL("normalization.backup_original", "false", true,
        "Keep the original column beside a normalized one."),
    BOOL("normalization.generate_report", "true", true,
        "Report before and after when a step does not say."),

    CHOICE("logging.level", "info", log_levels, true, "Least serious lines that are logged."),
    CHOICE("logging.format", "text", log_formats, false, "Form of a log line."),
    CHOICE("logging.requests", "errors", logged_requests, true,
        "Requests that are logged: none, those refused or failed, or all."),
    STRING(
        "logging.file", "", false, "Log file; empty means standard error. SIGHUP opens it anew."),
    { ROW("logging.rotation", SETTING_STRING, "", NULL, true,
          "When logging.file is put aside as FILE.1, FILE.2, ... and how many are kept: \"10MB x "
          "5\" by "
          "size, \"daily x 7\" at midnight (UTC); empty means never."),
        .check = log_file_rotation_check },
    STRING("logging.audit_file", "", false,
        "File for a line on every request that changes something, and every wrong key; empty means "
        "none. SIGHUP opens it anew."),
    { ROW("logging.audit_rotation", SETTING_STRING, "", NULL, true,
          "The same as logging.rotation for logging.audit_file; empty means never."),
        .check = log_file_rotation_check },

    BOOL("chat_workflows.enabled", "true", false, "Serve conversations."),
    INT("chat_workflows.max_connections", "10000", 1, 1000000, false,
        "WebSocket and event-stream connections at the same time."),
    STRING("chat_workflows.websocket.host", "", false,
        "Address of the separate WebSocket port; empty means app.host."),
    INT("chat_workflows.websocket.port", "5051", 0, 65535, false,
        "Separate WebSocket port for old clients; 0 means none."),
    INT("chat_workflows.websocket.ping_interval", "30", 1, 3600, false, "Seconds between pings."),
    INT("chat_workflows.websocket.ping_timeout", "10", 1, 3600, false,
        "Seconds to wait for the answer to a ping."),

    STRING("chat_workflows.storage.data_path", "./automation", false, "Data folder."),
    STRING("chat_workflows.storage.workflows_path", "", false,
        "Folder of conversations; empty means workflows below the data folder."),
    STRING("chat_workflows.storage.dumps_path", "", false,
        "Folder of dumps; empty means dumps below the data folder."),
    STRING("chat_workflows.storage.sqlite_path", "", false,
        "Database file; empty means sqlite/chat.db below the data folder."),
    INT("chat_workflows.storage.reserve_mb", "64", 0, 1048576, true,
        "Room left free on the data folder's disk, in MiB: with less, uploads and runs are "
        "refused."),

    BOOL("chat_workflows.backup.enabled", "true", true, "Back the database up by itself."),
    INT("chat_workflows.backup.interval_minutes", "60", 1, 525600, true,
        "Minutes between two backups."),
    STRING("chat_workflows.backup.snapshot_path", "", false,
        "Folder of backups; empty means sqlite/snapshots below the data folder."),
    INT("chat_workflows.backup.retention_days", "30", 1, 36500, true, "Days a backup is kept."),

    BOOL("chat_workflows.partition.enabled", "true", false,
        "Spread conversations over folders; off is the same as folder-based."),
    CHOICE("chat_workflows.partition.strategy", "time-based", partitions, false,
        "How folders of conversations are spread."),
    STRING("chat_workflows.partition.subfolder_format", "%Y/%m", false,
        "Folders of time-based partitions, with %Y, %m and %d."),

    INT("chat_workflows.file.max_upload_size_mb", "50", 1, 1048576, true,
        "Largest upload, in MiB."),
    LIST("chat_workflows.file.allowed_extensions", ".csv,.tsv,.xlsx,.xlsm,.xls,.json", true,
        "Suffixes of files that may be uploaded."),
    INT("chat_workflows.file.chunk_size_bytes", "131072", 4096, 16777216, true,
        "Bytes of an upload that are gathered before they are written to disk."),

    INT("chat_workflows.execution.max_steps", "50", 1, 1000, true, "Most steps of one run."),
    INT("chat_workflows.execution.step_timeout_seconds", "300", 1, 86400, true,
        "Seconds a step may take; a run may take this for each of its steps."),
    BOOL("chat_workflows.execution.stream_progress", "true", true,
        "Send progress while rows go by."),
    BOOL("chat_workflows.execution.save_intermediate_files", "true", true,
        "Keep the outputs of the steps before the last."),
    CHOICE("chat_workflows.execution.recover", "resume", recovers, true,
        "What happens at start to a run that a crash cut off."),
    CHOICE("chat_workflows.execution.sandbox", "try", sandboxes, false,
        "Workers without a whole sandbox: try tells of them, require refuses to start."),
    INT("chat_workflows.execution.workers", "0", 0, 1024, false,
        "Runs at the same time; 0 means one for each processor."),
    INT("chat_workflows.execution.memory_limit_mb", "512", 64, 1048576, true,
        "Memory a run may use before it spills to disk, in MiB."),

    CHOICE("chat_workflows.dump.compression", "gzip", compressions, true,
        "Form of dumps: .tar.gz, .zip or .tar."),
    BOOL("chat_workflows.dump.include_metadata", "true", true,
        "Put metadata.json and conversation_metadata.json into dumps, for people and other "
        "programs; "
        "restoring needs neither."),
    BOOL("chat_workflows.dump.include_logs", "false", true,
        "Put the events of the conversation into dumps as logs/events.jsonl, for people and other "
        "programs."),

    BOOL("chat_workflows.cleanup.enabled", "false", true, "Delete old conversations and dumps."),
    INT("chat_workflows.cleanup.conversation_days", "90", 1, 36500, true,
        "Days without a change after which a conversation is deleted."),
    INT("chat_workflows.cleanup.dump_days", "30", 1, 36500, true,
        "Days after which a dump is deleted."),

    { ROW("model.endpoint", SETTING_STRING, "", NULL, false,
          "Address of an OpenAI-compatible language model, such as http://127.0.0.1:11434/v1, that "
          "the bot may "
          "ask where it did not understand; empty means none."),
        .check = check_endpoint },
    STRING("model.name", "", true, "The model that is asked for."),
    { ROW("model.key", SETTING_STRING, "", NULL, true,
          "Key that the endpoint wants; better in model.key_file."),
        .check = check_key, .secret = true },
    STRING("model.key_file", "", true, "File that holds the key, in place of model.key."),
    STRING("model.ca_file", "", true,
        "PEM file of the authorities that may vouch for an https endpoint; empty means the "
        "system's."),
    INT("model.timeout_seconds", "20", 1, 600, true, "Seconds that an answer may take."),
    BOOL("model.send_values", "false", true,
        "Send names of files and some values of each column as well, not only columns and their "
        "types."),
    INT("model.max_reply_kb", "64", 1, 8192, true, "Longest reply that is read, in KiB."),
    { 0 },
};
