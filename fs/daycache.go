package fs

import (
	"sync"
	"unsafe"
)

// defaultListingBytes bounds the listings that are remembered, unless the user says
// otherwise: those of some 4000 dates.
const defaultListingBytes = 16 << 20

// dayCache remembers listings of dates, up to a number of bytes.
type dayCache struct {
	// mu guards the fields below.
	mu       sync.Mutex
	maxBytes int64
	bytes    int64
	days     map[dayKey]*day
}

func newDayCache(maxBytes int64) *dayCache {
	if maxBytes == 0 {
		maxBytes = defaultListingBytes
	}
	return &dayCache{maxBytes: maxBytes, days: make(map[dayKey]*day)}
}

func (c *dayCache) get(key dayKey) *day {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.days[key]
}

// put remembers a listing. What has to go for it is whatever comes first: a cache
// that is too small for what is read in turn would lose all of it, if the oldest had
// to go.
func (c *dayCache) put(key dayKey, d *day) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(key)
	for other := range c.days {
		if c.bytes+d.bytes() <= c.maxBytes {
			break
		}
		c.drop(other)
	}
	c.days[key] = d
	c.bytes += d.bytes()
}

// drop is called with c.mu held.
func (c *dayCache) drop(key dayKey) {
	if d := c.days[key]; d != nil {
		c.bytes -= d.bytes()
		delete(c.days, key)
	}
}

// listingOverheadBytes is what a listing costs besides its files: struct, slice
// header and its place in the map, roughly. A name has 16 bytes as a rule.
const (
	listingOverheadBytes = 160
	nameBytes            = 16
)

func (d *day) bytes() int64 {
	return listingOverheadBytes + int64(cap(d.files))*(int64(unsafe.Sizeof(file{}))+nameBytes)
}
