// SPDX-License-Identifier: GPL-3.0-or-later

package hold

import "sync"

// Set keeps values for those who hold their keys. It is safe for concurrent use.
type Set[K comparable, V any] struct {
	letGo func(V)

	mu   sync.Mutex // guards held
	held map[K]*entry[V]
}

// entry is a key that somebody holds.
type entry[V any] struct {
	holders int
	// value is kept for them if kept says so.
	kept  bool
	value V
}

// New returns a set that is empty. letGo is called for each value that was kept, once the
// last holder of its key has let go and the set does not have it any more.
func New[K comparable, V any](letGo func(V)) *Set[K, V] {
	return &Set[K, V]{letGo: letGo, held: make(map[K]*entry[V])}
}

// Hold adds a holder to each key, until release is called; release is idempotent.
func (s *Set[K, V]) Hold(keys []K) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		e := s.held[key]
		if e == nil {
			e = &entry[V]{}
			s.held[key] = e
		}
		e.holders++
	}
	return sync.OnceFunc(func() { s.release(keys) })
}

func (s *Set[K, V]) release(keys []K) {
	for _, value := range s.drop(keys) {
		s.letGo(value)
	}
}

// drop takes a holder from each key, and returns what was kept for no other.
func (s *Set[K, V]) drop(keys []K) (unused []V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		e := s.held[key]
		if e.holders--; e.holders > 0 {
			continue
		}
		delete(s.held, key)
		if e.kept {
			unused = append(unused, e.value)
		}
	}
	return unused
}

// Holds tells whether somebody holds a key.
func (s *Set[K, V]) Holds(key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[key] != nil
}

// Keep keeps a value for the holders of its key. It returns false if there are none, or
// they have one already: the value is the caller's still.
func (s *Set[K, V]) Keep(key K, value V) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.held[key]
	if e == nil || e.kept {
		return false
	}
	e.kept, e.value = true, value
	return true
}

// Kept returns the value that is kept for the holders of a key.
func (s *Set[K, V]) Kept(key K) (value V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.held[key]; e != nil {
		return e.value, e.kept
	}
	return value, false
}

// Len is the number of keys that somebody holds.
func (s *Set[K, V]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}
