/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host end of a machine's own: this very program as `hvnet host`, for as long
 * as the machine lives.
 */
#include "linux/vm/vm_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Copy what it printed to standard error. */
static void
vm_host_tell(const struct vm_host *h)
{
	char line[1024];
	FILE *f = fopen(h->log, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		fputs(line, stderr);
	if (f != NULL)
		fclose(f);
}

/* Until it listens or ends.  Policy: a host needs far less than a minute. */
static int
vm_host_wait(struct vm_host *h, char *err, size_t err_cap)
{
	const struct timespec tick = { 0, 20000000 };
	struct stat st;
	int status;

	for (int i = 0; stat(h->socket, &st) < 0; i++) {
		if (waitpid(h->pid, &status, WNOHANG) == h->pid) {
			h->pid = 0;
			vm_host_tell(h);
			return WIFEXITED(status) && WEXITSTATUS(status) != 0 ?
			    WEXITSTATUS(status) : 1;
		}
		if (i >= 3000) {
			vm_host_stop(h);
			snprintf(err, err_cap, "the host end does not listen "
			    "within a minute");
			return -ETIMEDOUT;
		}
		nanosleep(&tick, NULL);
	}
	return 0;
}

int
vm_host_start(struct vm_host *h, const char *dir, char *const *nics,
    char *err, size_t err_cap)
{
	static char self[] = "/proc/self/exe", host[] = "host";
	static char listen[] = "--listen", nic[] = "--nic";
	size_t n = 0, i = 0;
	char **argv;
	int out;

	*h = (struct vm_host){ 0 };
	snprintf(h->socket, sizeof(h->socket), "%s/host.sock", dir);
	snprintf(h->log, sizeof(h->log), "%s/host.log", dir);
	while (nics[n] != NULL)
		n++;
	argv = calloc(2 * n + 5, sizeof(*argv));
	out = open(h->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (argv == NULL || out < 0) {
		snprintf(err, err_cap, "%s: %s", h->log, strerror(errno));
		free(argv);
		return -ENOMEM;
	}
	argv[i++] = self;
	argv[i++] = host;
	argv[i++] = listen;
	argv[i++] = h->socket;
	for (size_t k = 0; k < n; k++) {
		argv[i++] = nic;
		argv[i++] = nics[k];
	}
	h->pid = vm_spawn(argv, out, false, err, err_cap);
	close(out);
	free(argv);
	if (h->pid < 0) {
		int code = h->pid;

		h->pid = 0;
		return code;
	}
	return vm_host_wait(h, err, err_cap);
}

void
vm_host_stop(struct vm_host *h)
{
	if (h->pid <= 0)
		return;
	kill(h->pid, SIGTERM);
	vm_reap(h->pid);
	h->pid = 0;
}
