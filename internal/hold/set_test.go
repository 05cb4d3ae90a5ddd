// SPDX-License-Identifier: GPL-3.0-or-later

package hold

import (
	"slices"
	"sync"
	"testing"
)

// TestSet ensures that a value is kept from the moment it is given for a key that is
// held, until the last holder lets go, and is let go once then.
func TestSet(t *testing.T) {
	var letGo []string
	s := New[int](func(value string) { letGo = append(letGo, value) })
	if s.Keep(1, "nobody's") || s.Holds(1) {
		t.Error("kept for nobody")
	}
	first, second := s.Hold([]int{1, 2}), s.Hold([]int{1})
	if value, ok := s.Kept(1); ok || !s.Holds(1) || s.Len() != 2 {
		t.Errorf("%q is kept, %d keys are held", value, s.Len())
	}
	if !s.Keep(1, "one") || s.Keep(1, "another") {
		t.Error("not the first value is kept")
	}
	first()
	first()
	if value, ok := s.Kept(1); value != "one" || !ok || len(letGo) > 0 || s.Holds(2) {
		t.Errorf("after the first release: %q, %v, let go: %q", value, ok, letGo)
	}
	second()
	if value, ok := s.Kept(1); ok || s.Len() != 0 || !slices.Equal(letGo, []string{"one"}) {
		t.Errorf("after the last release: %q is kept, let go: %q", value, letGo)
	}
}

// TestReleaseByMany ensures that holders can come and go at once.
func TestReleaseByMany(t *testing.T) {
	var mu sync.Mutex
	letGo, kept := 0, 0
	s := New[int](func(int) { mu.Lock(); letGo++; mu.Unlock() })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				release := s.Hold([]int{i % 3})
				if s.Keep(i%3, i) {
					mu.Lock()
					kept++
					mu.Unlock()
				}
				release()
			}
		})
	}
	wg.Wait()
	if letGo != kept || s.Len() != 0 {
		t.Errorf("%d were kept, %d let go, %d are held", kept, letGo, s.Len())
	}
}
