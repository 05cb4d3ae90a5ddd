package fs

import "sync"

// defaultMemoryBytes bounds what is remembered, unless the user says otherwise: it
// holds the listings and the pages of some 4000 dates.
const defaultMemoryBytes = 16 << 20

// memory is what a mount remembers although it could be made anew, up to a number of
// bytes: listings of dates, what the index pages tell of, and the pages themselves.
type memory struct {
	// mu guards the fields below.
	mu       sync.Mutex
	maxBytes int64
	bytes    int64
	// memories are by dayKey, accountKey and contentKey.
	memories map[any]remembered
}

// remembered is immutable, so its size does not change.
type remembered interface {
	// memoryBytes is what it takes, roughly.
	memoryBytes() int64
}

func newMemory(maxBytes int64) *memory {
	if maxBytes == 0 {
		maxBytes = defaultMemoryBytes
	}
	return &memory{maxBytes: maxBytes, memories: make(map[any]remembered)}
}

// recall returns what is remembered under a key; ok is false if there is nothing.
func recall[T remembered](m *memory, key any) (found T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok = m.memories[key].(T)
	return found, ok
}

// put remembers something, unless it alone is too large. What has to go for it is
// whatever comes first: a cache that is too small for what is read in turn would lose
// all of it, if the oldest had to go.
func (m *memory) put(key any, value remembered) {
	bytes := value.memoryBytes()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropLocked(key)
	if bytes > m.maxBytes {
		return
	}
	for other := range m.memories {
		if m.bytes+bytes <= m.maxBytes {
			break
		}
		m.dropLocked(other)
	}
	m.memories[key] = value
	m.bytes += bytes
}

func (m *memory) drop(key any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropLocked(key)
}

// dropLocked is called with m.mu held.
func (m *memory) dropLocked(key any) {
	if known, ok := m.memories[key]; ok {
		m.bytes -= known.memoryBytes()
		delete(m.memories, key)
	}
}

// size is how much is remembered.
func (m *memory) size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}
