/* node/notify.h: what systemd is told about the process (sd_notify, Type=notify).
 *
 * Without NOTIFY_SOCKET in the environment every call does nothing. */
#ifndef WEFT_NODE_NOTIFY_H
#define WEFT_NODE_NOTIFY_H

/* Serving (again). `status` is one line for people: "leader of plant1, term 7". */
void weft_notify_ready(const char *status);
void weft_notify_status(const char *status);
/* SIGHUP is being worked on; weft_notify_ready ends it. */
void weft_notify_reloading(void);
void weft_notify_stopping(const char *status);

#endif
