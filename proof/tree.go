// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"crypto/sha256"
	"errors"
	"math/bits"
)

// errPath is returned for a path that does not lead to a root.
var errPath = errors.New("the path does not fit the tree")

// leafHash and nodeHash are those of RFC 6962 §2.1.
func leafHash(data []byte) Digest {
	return sha256.Sum256(append([]byte{0}, data...))
}

func nodeHash(left, right Digest) Digest {
	node := make([]byte, 0, 1+2*sha256.Size)
	node = append(append(append(node, 1), left[:]...), right[:]...)
	return sha256.Sum256(node)
}

// split is the size of the left subtree of a tree of n leaves, at least 2: the largest
// power of two below n.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// Root is the head of the Merkle tree of leaves (RFC 6962 §2.1). There is one at least.
func Root(leaves []Digest) Digest {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return nodeHash(Root(leaves[:k]), Root(leaves[k:]))
}

// Path proves that the leaves in [first, end) are part of the tree: the heads of the
// largest subtrees beside them, from left to right. For one leaf these are the hashes of
// an audit path (RFC 6962 §2.1.1), in another order.
func Path(leaves []Digest, first, end int) []Digest {
	switch {
	case len(leaves) == 0 || first <= 0 && end >= len(leaves):
		return nil
	case end <= 0 || first >= len(leaves):
		return []Digest{Root(leaves)}
	}
	k := split(len(leaves))
	return append(Path(leaves[:k], first, end), Path(leaves[k:], first-k, end-k)...)
}

// RootByPath is the head of a tree of total leaves, computed from those that begin at
// first and the path beside them. It returns an error if they cannot be of such a tree.
func RootByPath(leaves []Digest, first, total int, path []Digest) (Digest, error) {
	if len(leaves) == 0 || first < 0 || total < 1 || first > total-len(leaves) {
		return Digest{}, errPath
	}
	w := pathWalk{leaves: leaves, first: first, path: path}
	root, err := w.root(0, total)
	if err == nil && len(w.path) > 0 {
		err = errPath
	}
	return root, err
}

// pathWalk uses up a path.
type pathWalk struct {
	leaves []Digest
	first  int
	path   []Digest
}

// root is the head of the subtree of the leaves in [from, to).
func (w *pathWalk) root(from, to int) (Digest, error) {
	end := w.first + len(w.leaves)
	switch {
	case to <= w.first || from >= end:
		if len(w.path) == 0 {
			return Digest{}, errPath
		}
		next := w.path[0]
		w.path = w.path[1:]
		return next, nil
	case from >= w.first && to <= end:
		return Root(w.leaves[from-w.first : to-w.first]), nil
	}
	k := split(to - from)
	left, err := w.root(from, from+k)
	if err != nil {
		return Digest{}, err
	}
	right, err := w.root(from+k, to)
	if err != nil {
		return Digest{}, err
	}
	return nodeHash(left, right), nil
}
