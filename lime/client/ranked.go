package client

import (
	"cmp"
	"slices"
)

// maxPassed is how many with smaller ranks pass the first of a rank until it goes before them.
const maxPassed = 32

// ranked is a queue out of which what has a smaller rank goes first, in order within a rank. So
// that no rank waits for ever, its first goes when maxPassed of smaller ranks have passed it,
// behind the first of other ranks of which this is true. The zero value is empty.
type ranked[T any] struct {
	ranks []*rank[T] // those with something, the smallest first
	n     int
	spare *rank[T] // the last that had nothing left, so that a queue of one rank allocates nothing
}

// rank is what has one rank.
type rank[T any] struct {
	number int
	all    []T // from head on
	head   int
	passed int // how many of smaller ranks went since its first is that
}

func (q *ranked[T]) len() int { return q.n }

func (q *ranked[T]) push(number int, one T) {
	i, ok := slices.BinarySearchFunc(q.ranks, number, func(r *rank[T], n int) int { return cmp.Compare(r.number, n) })
	if !ok {
		r := q.spare
		if q.spare = nil; r == nil {
			r = new(rank[T])
		}
		r.number, r.passed = number, 0
		q.ranks = slices.Insert(q.ranks, i, r)
	}
	q.ranks[i].push(one)
	q.n++
}

func (r *rank[T]) push(one T) {
	if r.head > 0 && len(r.all) == cap(r.all) {
		n := copy(r.all, r.all[r.head:])
		clear(r.all[n:])
		r.all, r.head = r.all[:n], 0
	}
	r.all = append(r.all, one)
}

// dropIfEmpty drops a rank that has nothing left.
func (q *ranked[T]) dropIfEmpty(i int) {
	r := q.ranks[i]
	if r.head < len(r.all) {
		return
	}
	q.ranks = slices.Delete(q.ranks, i, i+1)
	if r.all, r.head = r.all[:0], 0; cap(r.all) <= maxSpare {
		q.spare = r
	}
}

// maxSpare is how much room an empty rank may keep.
const maxSpare = 1024

// next is which of the ranks is next.
func (q *ranked[T]) next() (i int) {
	for j, r := range q.ranks {
		if r.passed >= maxPassed && r.passed > q.ranks[i].passed {
			i = j
		}
	}
	return i
}

// first is what pop returns next.
func (q *ranked[T]) first() (one T, ok bool) {
	if q.n == 0 {
		return one, false
	}
	return q.ranks[q.next()].front(), true
}

// pop takes the next out.
func (q *ranked[T]) pop() (one T, ok bool) {
	if q.n == 0 {
		return one, false
	}
	i := q.next()
	r := q.ranks[i]
	one = r.front()
	var none T
	r.all[r.head] = none // what it refers to is not kept
	r.head++
	r.passed = 0
	for _, behind := range q.ranks[i+1:] {
		behind.passed++
	}
	q.n--
	q.dropIfEmpty(i)
	return one, true
}

func (r *rank[T]) front() T { return r.all[r.head] }

// remove takes out one of a rank, and tells whether it was there.
func (q *ranked[T]) remove(number int, is func(T) bool) bool {
	i, ok := slices.BinarySearchFunc(q.ranks, number, func(r *rank[T], n int) int { return cmp.Compare(r.number, n) })
	if !ok {
		return false
	}
	r := q.ranks[i]
	at := slices.IndexFunc(r.all[r.head:], is)
	if at < 0 {
		return false
	}
	r.all = slices.Delete(r.all, r.head+at, r.head+at+1)
	q.n--
	q.dropIfEmpty(i)
	return true
}
