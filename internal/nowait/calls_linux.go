package nowait

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read reads what is there into b, as read(2) does. The descriptor must not block.
func Read(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return result(n, errno)
}

// Write writes as much of b as there is room for, as write(2) does. The descriptor must not block.
func Write(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return result(n, errno)
}

// maxViews is how many slices one call of Writev takes.
const maxViews = 32

// Writev writes as much of the views as there is room for, one behind the other, as writev(2) does. Of more than 32 it
// writes the first. The descriptor must not block.
func Writev(fd int, views [][]byte) (int, error) {
	var vectors [maxViews]unix.Iovec
	count := min(len(views), maxViews)
	for i, view := range views[:count] {
		vectors[i].Base = unsafe.SliceData(view)
		vectors[i].SetLen(len(view))
	}
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&vectors)), uintptr(count))
	return result(n, errno)
}

// Poll is epoll_wait(2) that returns at once. There is room for one event at least.
func Poll(epoll int, events []unix.EpollEvent) (int, error) {
	const atOnce, noSignals = 0, 0
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)),
		atOnce, noSignals, 0)
	return result(n, errno)
}

func result(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, failure(errno)
	}
	return int(n), nil
}

// What is usual is made an error once, not at each call.
var (
	errAgain       error = unix.EAGAIN
	errInterrupted error = unix.EINTR
)

func failure(errno unix.Errno) error {
	switch errno {
	case unix.EAGAIN:
		return errAgain
	case unix.EINTR:
		return errInterrupted
	}
	return errno
}
