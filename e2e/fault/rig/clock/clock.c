/* Preloaded into a program, this adds to the time of day that it reads the nanoseconds
 * that a file holds, a native 64-bit integer. FAULT_CLOCK names the file. The clocks that
 * count since the start of the system stay as they are.
 *
 * An allocator may read the clock before anything of this has been called, and while it
 * cannot allocate. So there is no look-up of the functions that these stand for: they
 * ask the kernel. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const int64_t *ahead; /* NULL until the file is mapped */

/* A clock that never jumps would pass for one that did: without the file nothing runs. */
__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("FAULT_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		abort();
	close(fd);
	ahead = page;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	long failed = syscall(SYS_clock_gettime, id, t);
	if (!failed && ahead && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
		int64_t ns = t->tv_sec * SECOND + t->tv_nsec + __atomic_load_n(ahead, __ATOMIC_RELAXED);
		t->tv_sec = ns / SECOND;
		t->tv_nsec = ns % SECOND;
	}
	return failed;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;
	(void)zone; /* nobody has one any more */
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
