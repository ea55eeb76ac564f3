package recent

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheOldestAnswersAreForgotten(t *testing.T) {
	a, hour := New[int](3), time.Now().Add(time.Hour)
	var keys []Key
	for i := range 5 {
		keys = append(keys, a.KeyOf([]byte{byte(i)}))
		a.Put(keys[i], i, hour)
		a.Put(keys[i], i, hour) // takes no other place
	}
	for i, k := range keys {
		if v, ok := a.Get(k); ok != (i >= 2) || ok && v != i {
			t.Errorf("the answer to %d is %d, %v", i, v, ok)
		}
	}
	if len(a.known) != 3 {
		t.Errorf("%d are remembered", len(a.known))
	}
}

func TestAnswersHaveTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New[string](0)
		k := a.KeyOf([]byte("q"))
		a.Put(k, "yes", time.Now().Add(time.Minute))
		time.Sleep(time.Minute - 1)
		if v, ok := a.Get(k); !ok || v != "yes" {
			t.Error("it is forgotten early")
		}
		time.Sleep(time.Nanosecond)
		if v, ok := a.Get(k); ok || v != "" {
			t.Error("it is remembered for longer")
		}
	})
}

func TestKeysAreOfTheParts(t *testing.T) {
	a := New[int](1)
	k := a.KeyOf([]byte("ab"), []byte("c"))
	if k != a.KeyOf([]byte("ab"), []byte("c")) {
		t.Error("it is another each time")
	}
	if k == a.KeyOf([]byte("a"), []byte("bc")) || k == a.KeyOf([]byte("abc")) {
		t.Error("it is that of other parts, too")
	}
	if k == New[int](1).KeyOf([]byte("ab"), []byte("c")) {
		t.Error("it is the same by another secret")
	}
}
