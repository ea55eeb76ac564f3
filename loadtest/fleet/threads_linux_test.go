package fleet

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAllThreadsGiveWay in a process of its own, which does so for good.
func TestAllThreadsGiveWay(t *testing.T) {
	const child = "LIMEGROVE_TEST_GIVES_WAY"
	if os.Getenv(child) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAllThreadsGiveWay$")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	if err := giveWay(); err != nil {
		t.Fatal(err)
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	processor := 0
	for !allowed.IsSet(processor) {
		processor++
	}
	if err := runOnOne(processor); err != nil {
		t.Fatal(err)
	}
	var there, all sync.WaitGroup
	defer all.Wait()
	leave := make(chan struct{})
	defer close(leave)
	for range 20 {
		there.Add(1)
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			there.Done()
			<-leave
		})
	}
	there.Wait()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks) <= 20 {
		t.Fatalf("there are %d threads", len(tasks))
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		if a, err := unix.SchedGetAttr(id, 0); err != nil || a.Policy != unix.SCHED_IDLE {
			t.Errorf("thread %d has policy %+v, %v", id, a, err)
		}
		var on unix.CPUSet
		if err := unix.SchedGetaffinity(id, &on); err != nil || on.Count() != 1 || !on.IsSet(processor) {
			t.Errorf("thread %d runs on %v, %v", id, on, err)
		}
	}
}
