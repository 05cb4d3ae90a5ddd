// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
)

func treeOf(n int) (leaves []Digest) {
	for i := range n {
		leaves = append(leaves, sha256.Sum256([]byte{byte(i)}))
	}
	return leaves
}

// Ensures that trees are those of RFC 6962: the roots of the inputs with which its
// authors' implementations are tested.
func TestRoot(t *testing.T) {
	var leaves []Digest
	for _, input := range []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"} {
		data, err := hex.DecodeString(input)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leafHash(data))
	}
	for n, want := range map[int]string{
		1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	} {
		if got := Root(leaves[:n]).String(); got != want {
			t.Errorf("%d leaves have the root %s, not %s", n, got, want)
		}
	}
}

// Ensures that each run of leaves of each small tree is proven by its path, and by no
// other: not in another place, of another tree, or with anything changed.
func TestPath(t *testing.T) {
	for n := 1; n <= 17; n++ {
		leaves := treeOf(n)
		root := Root(leaves)
		for first := range n {
			for end := first + 1; end <= n; end++ {
				path, run := Path(leaves, first, end), leaves[first:end]
				proves := func(run []Digest, first, total int, path []Digest) bool {
					got, err := RootByPath(run, first, total, path)
					return err == nil && got == root
				}
				if !proves(run, first, n, path) {
					t.Fatalf("[%d, %d) of %d is not proven", first, end, n)
				}
				if proves(run, first+1, n, path) || proves(run, first-1, n, path) || proves(run[1:], first, n, path) ||
					proves(run, first, n, append(slices.Clone(path), root)) {
					t.Errorf("[%d, %d) of %d is proven for what it is not", first, end, n)
				}
				for i := range path {
					changed := slices.Clone(path)
					changed[i][0] ^= 1
					if proves(run, first, n, changed) || proves(run, first, n, slices.Delete(changed, i, i+1)) {
						t.Errorf("[%d, %d) of %d is proven by another path", first, end, n)
					}
				}
			}
		}
	}
}
