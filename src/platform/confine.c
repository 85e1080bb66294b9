/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "platform/platform.h"

/* A sanitizer looks into its own process by a thread that traces it. */
#if defined(USE_SECCOMP) && defined(__SANITIZE_ADDRESS__)
#undef USE_SECCOMP
#endif

#ifdef USE_SECCOMP

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#endif

#if defined(USE_SECCOMP) && defined(OWN_ARCHITECTURE)

/* x32, whose calls have the numbers of x86-64 and this bit. */
#define OTHER_NUMBERS 0x40000000U

/* What takes a process beyond what it has: programs, other processes, files, sockets, the kernel's larger doors. */
static const unsigned denied[] = {
	__NR_execve,
	__NR_execveat,
	__NR_clone,
	__NR_ptrace,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_kcmp,
#ifdef __NR_fork
	__NR_fork,
	__NR_vfork,
#endif
#ifdef __NR_clone3
	__NR_clone3,
#endif
#ifdef __NR_pidfd_open
	__NR_pidfd_open,
	__NR_pidfd_getfd,
#endif
#ifdef __NR_open
	__NR_open,
	__NR_creat,
	__NR_link,
	__NR_symlink,
	__NR_rename,
	__NR_chmod,
	__NR_chown,
	__NR_mknod,
#endif
#ifdef __NR_openat2
	__NR_openat2,
#endif
	__NR_openat,
	__NR_linkat,
	__NR_symlinkat,
	__NR_renameat2,
	__NR_fchmodat,
	__NR_fchownat,
	__NR_mknodat,
	__NR_truncate,
#ifdef __NR_renameat
	__NR_renameat,
#endif
	__NR_open_by_handle_at,
	__NR_name_to_handle_at,
	__NR_memfd_create,
	__NR_socket,
	__NR_connect,
	__NR_bind,
	__NR_listen,
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_chroot,
	__NR_unshare,
	__NR_setns,
	__NR_bpf,
	__NR_perf_event_open,
	__NR_userfaultfd,
	__NR_keyctl,
	__NR_add_key,
	__NR_request_key,
	__NR_init_module,
	__NR_finit_module,
	__NR_kexec_load,
	__NR_reboot,
	__NR_swapon,
	__NR_acct,
#ifdef __NR_io_uring_setup
	__NR_io_uring_setup,
#endif
};

enum { DENIED = sizeof denied / sizeof *denied, HEAD = 5, SIZE = HEAD + DENIED + 2 };

_Static_assert(DENIED < 250, "the jumps of the filter reach no further");

bool platform_confine(void)
{
	const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	/* Each jump counts the instructions that it passes over: to `refuse`, the last one. */
	struct sock_filter filter[SIZE] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
		refuse,
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_NUMBERS, DENIED + 1, 0),
	};
	const struct sock_fprog program = { .len = SIZE, .filter = filter };

	for (unsigned i = 0; i < DENIED; i++)
		filter[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i],
								(unsigned char)(DENIED - i), 0);
	filter[HEAD + DENIED] = allow;
	filter[HEAD + DENIED + 1] = refuse;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else

bool platform_confine(void)
{
	return false;
}

#endif
