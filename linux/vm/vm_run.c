/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's command line, and QEMU as a child.
 *
 * Guest memory is a memfd that both processes map; QEMU seals it against
 * shrinking.  Firmware lies beside a QEMU that scripts/qemu-build.sh made.
 * `-cx16`: QEMU 7.2's emulation of CMPXCHG16B corrupts Linux 6.12 with several
 * processors (field notes, vm.md).
 */
#include "linux/vm/vm.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/span.h"

#define VM_MAX_ARGS	128u

void
vm_config_default(struct vm_config *cfg)
{
	*cfg = (struct vm_config){ .vps = 2, .memory_mib = 1024,
	    .wait_s = 10 };
}

/* --- the command line --- */

struct vm_args {
	char **arg;
	size_t n;
	bool failed;
};

static void __attribute__((format(printf, 2, 3)))
vm_arg(struct vm_args *a, const char *fmt, ...)
{
	va_list ap;

	if (a->n + 1 >= VM_MAX_ARGS) {
		a->failed = true;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&a->arg[a->n], fmt, ap) < 0) {
		a->arg[a->n] = NULL;
		a->failed = true;
	} else {
		a->n++;
	}
	va_end(ap);
}

/* A value of one of QEMU's key=value lists: a comma is written twice. */
static char *
vm_quote(const char *s)
{
	char *out = malloc(2 * strlen(s) + 1), *to = out;

	if (out == NULL)
		return NULL;
	for (; *s != '\0'; s++) {
		if (*s == ',')
			*to++ = ',';
		*to++ = *s;
	}
	*to = '\0';
	return out;
}

static void
vm_arg_list(struct vm_args *a, const char *head, const char *value,
    const char *tail)
{
	char *quoted = vm_quote(value);

	if (quoted == NULL)
		a->failed = true;
	else
		vm_arg(a, "%s%s%s", head, quoted, tail);
	free(quoted);
}

static void
vm_args_device(struct vm_args *a, const struct vm_config *cfg)
{
	char tail[256];
	int n;

	n = snprintf(tail, sizeof(tail), ",name=%s%s%s,nics=%u%s",
	    cfg->name != NULL ? cfg->name : "vm",
	    cfg->nic != NULL ? ",nic=" : "", cfg->nic != NULL ? cfg->nic : "",
	    cfg->nics, cfg->no_aeoi ? ",aeoi=off" : "");
	if (n >= (int)sizeof(tail))
		a->failed = true;
	vm_arg(a, "-device");
	vm_arg_list(a, "hvnet,path=", cfg->connect, tail);
}

static void
vm_args_machine(struct vm_args *a, const struct vm_config *cfg,
    const char *qemu)
{
	const char *slash = strrchr(qemu, '/');
	char firmware[4096];

	vm_arg(a, "%s", qemu);
	snprintf(firmware, sizeof(firmware), "%.*s/firmware",
	    slash != NULL ? (int)(slash - qemu) : 1,
	    slash != NULL ? qemu : ".");
	if (access(firmware, R_OK) == 0) {
		vm_arg(a, "-L");
		vm_arg(a, "%s", firmware);
	}
	vm_arg(a, "-nodefaults");
	vm_arg(a, "-no-user-config");
	vm_arg(a, "-display");
	vm_arg(a, "none");
	vm_arg(a, "-accel");
	vm_arg(a, "tcg,thread=multi");
	vm_arg(a, "-cpu");
	vm_arg(a, "max,-cx16,-erms,-fsrm");
	vm_arg(a, "-machine");
	/* No screen: what the BIOS and a boot sector say is on the port. */
	vm_arg(a, "pc,%smemory-backend=ram", cfg->image != NULL &&
	    cfg->kernel == NULL ? "graphics=off," : "");
	vm_arg(a, "-object");
	vm_arg(a, "memory-backend-memfd,id=ram,size=%uM,share=on,seal=on",
	    cfg->memory_mib);
	vm_arg(a, "-m");
	vm_arg(a, "%uM", cfg->memory_mib);
	vm_arg(a, "-smp");
	vm_arg(a, "%u", cfg->vps);
}

char **
vm_args_make(const struct vm_config *cfg, const char *qemu)
{
	struct vm_args a = { calloc(VM_MAX_ARGS, sizeof(*a.arg)), 0, false };

	if (a.arg == NULL)
		return NULL;
	vm_args_machine(&a, cfg, qemu);
	vm_args_device(&a, cfg);
	if (cfg->kernel != NULL) {
		vm_arg(&a, "-kernel");
		vm_arg(&a, "%s", cfg->kernel);
	}
	if (cfg->initrd != NULL) {
		vm_arg(&a, "-initrd");
		vm_arg(&a, "%s", cfg->initrd);
	}
	if (cfg->append != NULL) {
		vm_arg(&a, "-append");
		vm_arg(&a, "%s", cfg->append);
	}
	if (cfg->image != NULL) {
		vm_arg(&a, "-drive");
		vm_arg_list(&a, "if=virtio,file=", cfg->image,
		    cfg->snapshot ? ",snapshot=on" : "");
	}
	vm_arg(&a, "-serial");
	vm_arg(&a, "mon:stdio");
	for (char **e = cfg->extra; e != NULL && *e != NULL; e++)
		vm_arg(&a, "%s", *e);
	if (!a.failed)
		return a.arg;
	vm_args_free(a.arg);
	return NULL;
}

void
vm_args_free(char **args)
{
	for (size_t i = 0; args != NULL && args[i] != NULL; i++)
		free(args[i]);
	free(args);
}

/* --- the child --- */

static volatile sig_atomic_t vm_child;

/* What ends QEMU: it would die of SIGUSR1 or 2 with its socket left behind. */
static const int vm_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

static void
vm_signal(int number)
{
	if (vm_child > 0)
		kill((pid_t)vm_child, number == SIGINT ? SIGINT : SIGTERM);
}

/* But under nohup SIGHUP stays ignored, by QEMU too. */
static void
vm_signals_set(const struct sigaction *to)
{
	struct sigaction was;

	for (size_t i = 0; i < ARRAY_LEN(vm_signals); i++) {
		sigaction(vm_signals[i], NULL, &was);
		if (was.sa_handler != SIG_IGN || vm_signals[i] != SIGHUP)
			sigaction(vm_signals[i], to, NULL);
	}
}

static int
vm_wait_socket(const struct vm_config *cfg, char *err, size_t err_cap)
{
	const struct timespec tick = { 0, 100000000 };
	struct stat st;

	for (uint32_t i = 0; stat(cfg->connect, &st) < 0; i++) {
		if (i >= 10 * cfg->wait_s) {
			snprintf(err, err_cap, "no host at %s: start `hvnet "
			    "host --listen %s` first", cfg->connect,
			    cfg->connect);
			return -ENOENT;
		}
		nanosleep(&tick, NULL);
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, err_cap, "%s is not a socket", cfg->connect);
		return -ENOTSOCK;
	}
	return 0;
}

int
vm_run(const struct vm_config *cfg, char **args, char *err, size_t err_cap)
{
	const struct sigaction hand_on = { .sa_handler = vm_signal };
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	pid_t self = getpid(), pid;
	sigset_t all, before;
	int status;

	status = vm_wait_socket(cfg, err, err_cap);
	if (status < 0)
		return status;
	/* One that comes now waits until there is a child to hand it to. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	vm_signals_set(&hand_on);
	pid = fork();
	if (pid < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		snprintf(err, err_cap, "fork: %s", strerror(errno));
		return -EAGAIN;
	}
	if (pid == 0) {
		/* QEMU does not outlive us. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != self)
			_exit(126);
		vm_signals_set(&normal);
		signal(SIGXFSZ, SIG_DFL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execv(args[0], args);
		_exit(127);
	}
	vm_child = pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	vm_child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}
