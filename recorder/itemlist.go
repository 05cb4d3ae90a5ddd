// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

// pieceItems is how many items are allocated at a time: those of two seconds, as a rule.
const pieceItems = 64

// itemList is a list of items, the oldest first. It grows and shrinks by pieces, and is never
// copied: of a camera that sends millions of tiny frames, the items are most of what it takes,
// and a slice would need more than twice as much whenever it grows. The piece that was emptied
// last is used again, so a list that is emptied as it is filled allocates nothing.
type itemList struct {
	len            int
	oldest, newest *piece
	// begin is where the oldest piece begins, and end is where the newest one ends.
	begin, end int
	spare      *piece
}

// piece is a part of an itemList.
type piece struct {
	items [pieceItems]item
	next  *piece
}

// last returns the newest item; nil if there is none.
func (l *itemList) last() *item {
	if l.len == 0 {
		return nil
	}
	return &l.newest.items[l.end-1]
}

func (l *itemList) append(it item) {
	if l.newest == nil || l.end == pieceItems {
		l.grow()
	}
	l.newest.items[l.end] = it
	l.end++
	l.len++
}

// grow appends an empty piece.
func (l *itemList) grow() {
	p := l.spare
	if l.spare = nil; p == nil {
		p = new(piece)
	}
	if l.newest == nil {
		l.oldest, l.begin = p, 0
	} else {
		l.newest.next = p
	}
	l.newest, l.end = p, 0
}

// pop removes the oldest item, of which there must be one.
func (l *itemList) pop() item {
	p := l.oldest
	it := p.items[l.begin]
	p.items[l.begin] = item{} // let go of the frame
	l.begin++
	l.len--
	switch {
	case l.len == 0:
		l.begin, l.end = 0, 0 // then p is the newest one, too
	case l.begin == pieceItems:
		l.oldest, l.begin = p.next, 0
		p.next, l.spare = nil, p
	}
	return it
}
