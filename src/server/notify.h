#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

/* "READY=1", "STOPPING=1", ... to the service manager; nothing happens where there is none. */
void notify_manager(const char *state);

#endif
