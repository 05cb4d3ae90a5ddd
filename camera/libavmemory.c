// SPDX-License-Identifier: GPL-3.0-or-later

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "libavmemory.h"

static _Thread_local moonfireAccount *account;

void moonfireSetAccount(moonfireAccount *next)
{
	account = next;
}

int moonfireMemoryExceeded(void)
{
	return account && account->exceeded;
}

#ifdef __GLIBC__

/* libav has no bound on what it allocates in all, and no hook for its allocations. So these
 * functions take the place of the C library's, which allows that and keeps its own under
 * other names ("Replacing malloc" in its manual). All that they add is counting. */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

/* Smaller allocations never fail: some libraries that libav calls end the process then. The
 * session is interrupted when it next waits. */
#define LARGE (64 << 10)

static int refuses(size_t size)
{
	if (!account || size < LARGE || __atomic_load_n(account->left, __ATOMIC_SEQ_CST) >= (int64_t)size)
		return 0;
	account->exceeded = 1;
	errno = ENOMEM;
	return 1;
}

static void count(int64_t size)
{
	/* What a session frees that took too much, the C library keeps until it is trimmed: until
	 * then, nobody else may have it. */
	if (size < 0 && account->exceeded)
		return;
	account->used += size;
	if (__atomic_sub_fetch(account->left, size, __ATOMIC_SEQ_CST) < 0 && size > 0)
		account->exceeded = 1;
}

static void *counted(void *memory)
{
	if (account && memory)
		count((int64_t)malloc_usable_size(memory));
	return memory;
}

void *malloc(size_t size)
{
	return refuses(size) ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(number, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return refuses(total) ? NULL : counted(__libc_calloc(number, size));
}

void *memalign(size_t alignment, size_t size)
{
	return refuses(size) ? NULL : counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	int before = errno;

	if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment)
		return EINVAL;
	*memory = memalign(alignment, size);
	errno = before;
	return *memory ? 0 : ENOMEM;
}

void *realloc(void *memory, size_t size)
{
	size_t before;
	void *grown;

	if (!account)
		return __libc_realloc(memory, size);
	before = memory ? malloc_usable_size(memory) : 0;
	if (size > before && refuses(size - before))
		return NULL;
	grown = __libc_realloc(memory, size);
	if (grown || !size)
		count((grown ? (int64_t)malloc_usable_size(grown) : 0) - (int64_t)before);
	return grown;
}

void free(void *memory)
{
	if (account && memory)
		count(-(int64_t)malloc_usable_size(memory));
	__libc_free(memory);
}

void moonfireTrimMemory(void)
{
	malloc_trim(0);
}

/* Unless it is told so, the C library lets ever larger blocks come from what it keeps, where
 * those that grow leave holes behind. */
void moonfireMapLargeMemory(void)
{
	mallopt(M_MMAP_THRESHOLD, 4 * LARGE);
}

#else

void moonfireTrimMemory(void)
{
}

void moonfireMapLargeMemory(void)
{
}

#endif
