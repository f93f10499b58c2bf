#ifndef STORE_DUMP_FORMAT_H
#define STORE_DUMP_FORMAT_H

/* Names and limits that writing and reading a dump share. */

#define DUMP_METADATA "metadata.json"
#define DUMP_OBJECT "conversation_metadata.json"
#define DUMP_ROWS "rows.jsonl"
#define DUMP_EVENTS "logs/events.jsonl"
#define DUMP_MANIFEST "manifest.json"

enum {
    DUMP_VERSION = 1,         /* Of the manifest, and of what it promises. */
    DUMP_MEMBERS_MAX = 10000, /* Files and folders in an archive. */
    DUMP_TEXT_MAX = 1 << 30   /* Bytes of one of the JSON members. */
};

#endif
