// SPDX-License-Identifier: GPL-3.0-or-later

package syncbuffer

import (
	"bytes"
	"sync"
)

// Buffer is all that has been written so far. The zero value is empty. It may be
// used by several goroutines.
type Buffer struct {
	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
}

// Write appends to the transcript. It never fails.
func (t *Buffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buffer.Write(p)
}

// String returns the text so far.
func (t *Buffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buffer.String()
}
