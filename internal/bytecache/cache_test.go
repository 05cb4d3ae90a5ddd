// SPDX-License-Identifier: GPL-3.0-or-later

package bytecache

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// length is the size of a text.
func length(text string) int64 { return int64(len(text)) }

// Ensures that values are found as they were put, that one replaces the one before
// under its key, and that removed ones are gone.
func TestGet(t *testing.T) {
	c := New[string](Oldest, 100, length)
	require := func(key, want string) {
		t.Helper()
		if got, ok := c.Get(key); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %v; want %q", key, got, ok, want)
		}
	}
	require("a", "")
	c.Put("a", "one")
	c.Put("b", "two")
	require("a", "one")
	c.Put("a", "three")
	require("a", "three")
	c.Remove("a")
	c.Remove("a")
	require("a", "")
	require("b", "two")
	if c.Len() != 1 || c.SizeBytes() != 3 {
		t.Errorf("there are %d values in %d bytes", c.Len(), c.SizeBytes())
	}
}

// Ensures that the bytes are never more than allowed, that they are the sum over what
// is there, and that the value put last is there, whatever is evicted.
func TestBound(t *testing.T) {
	for name, eviction := range map[string]Eviction{"oldest": Oldest, "random": Random} {
		t.Run(name, func(t *testing.T) {
			const maxBytes = 1000
			c := New[int](eviction, maxBytes, func(n int64) int64 { return n })
			for range 10_000 {
				key, size := rand.IntN(300), int64(rand.IntN(maxBytes+100))
				if rand.IntN(2) == 0 {
					size /= 50
				}
				c.Put(key, size)
				if got, ok := c.Get(key); ok != (size <= maxBytes) || ok && got != size {
					t.Fatalf("a value of %d bytes is %d, %v", size, got, ok)
				}
				if c.SizeBytes() > maxBytes {
					t.Fatalf("there are %d bytes", c.SizeBytes())
				}
			}
			var sum int64
			for key := range 300 {
				if size, ok := c.Get(key); ok {
					sum += size
				}
			}
			if sum != c.SizeBytes() {
				t.Errorf("there are %d bytes, not %d", sum, c.SizeBytes())
			}
			c.Bound(10)
			if c.SizeBytes() > 10 {
				t.Errorf("there are %d bytes where 10 are allowed", c.SizeBytes())
			}
		})
	}
}

// Ensures that it is the value used longest ago that goes.
func TestOldest(t *testing.T) {
	c := New[int](Oldest, 3, func(int) int64 { return 1 })
	for i := range 3 {
		c.Put(i, i)
	}
	c.Get(0)
	c.Put(3, 3)
	for key, want := range []bool{true, false, true, true} {
		if _, ok := c.Get(key); ok != want {
			t.Errorf("%d is there: %v", key, ok)
		}
	}
}

// Ensures that with random eviction, a round through more values than fit finds some of
// them in the end, where the eviction of the oldest finds none.
func TestRounds(t *testing.T) {
	hits := func(eviction Eviction) (n int) {
		c := New[int](eviction, 800, func(int) int64 { return 1 })
		for i := range 100_000 {
			if _, ok := c.Get(i % 1000); ok {
				n++
			} else {
				c.Put(i%1000, i)
			}
		}
		return n
	}
	if n := hits(Oldest); n != 0 {
		t.Errorf("the eviction of the oldest finds %d", n)
	}
	if n := hits(Random); n < 40_000 {
		t.Errorf("random eviction finds %d of 100000", n)
	}
}

// Ensures that a value which many ask for at the same time is loaded once, and that one
// which does not fit is loaded for each who asks later.
func TestLoad(t *testing.T) {
	c := New[int](Oldest, 10, length)
	var loads atomic.Int32
	begun, finish := make(chan struct{}), make(chan struct{})
	get := func() {
		got, err := c.Load(1, func() (string, error) {
			loads.Add(1)
			close(begun)
			<-finish
			return "value", nil
		})
		if got != "value" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	var all sync.WaitGroup
	all.Go(get)
	<-begun
	for range 10 {
		all.Go(get)
	}
	close(finish)
	all.Wait()
	if n := loads.Load(); n != 1 {
		t.Errorf("it was loaded %d times", n)
	}
	const large = "larger than the cache"
	again := 0
	for range 3 {
		got, err := c.Load(2, func() (string, error) { again++; return large, nil })
		if got != large || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if again != 3 {
		t.Errorf("a value that is not kept was loaded %d times of 3", again)
	}
}

// Ensures that an error is given to who asked, and not kept.
func TestLoadFails(t *testing.T) {
	c := New[any](Oldest, 100, length)
	wrong := errors.New("as the test wants it")
	if got, err := c.Load("a", func() (string, error) { return "half", wrong }); got != "" || !errors.Is(err, wrong) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.Load("a", func() (string, error) { return "whole", nil }); got != "whole" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if c.Len() != 1 {
		t.Errorf("there are %d values", c.Len())
	}
}

// Ensures that keys of different types that look alike are different.
func TestKeysOfAnyType(t *testing.T) {
	type id int
	c := New[any](Oldest, 100, length)
	for key, want := range map[any]string{1: "int", id(1): "id", "1": "string"} {
		if got, err := c.Load(key, func() (string, error) { return want, nil }); got != want || err != nil {
			t.Errorf("%T: got %q, %v", key, got, err)
		}
	}
}
