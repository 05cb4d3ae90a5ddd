// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/proof"
)

// statementFile is a statement and the hashes of its leaves, which stay for ever, whatever
// becomes of the recordings.
type statementFile struct {
	proof.Signed
	// Hashes are those of all leaves, one after another, in the order of the tree.
	Hashes []byte `json:"hashes"`
}

// maxStatementBytes is the size of a statement of more than a million recordings.
const maxStatementBytes = 64 << 20

func (f Folder) readStatement(name string) (*statementFile, error) {
	text, err := durable.ReadSmall(f.in(statementsName, name), maxStatementBytes)
	if err != nil {
		return nil, err
	}
	s := new(statementFile)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read statement %s: %w", name, err)
	}
	if len(s.Hashes) == 0 || len(s.Hashes)%sha256.Size != 0 {
		return nil, fmt.Errorf("read statement %s: %d bytes of hashes", name, len(s.Hashes))
	}
	return s, nil
}

func (f Folder) writeStatement(name string, s *statementFile) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return writeFile(f.in(statementsName, name), append(text, '\n'), durable.Mode(0))
}

// tree is the hashes of the leaves.
func (s *statementFile) tree() []proof.Digest {
	tree := make([]proof.Digest, 0, len(s.Hashes)/sha256.Size)
	for rest := s.Hashes; len(rest) > 0; rest = rest[sha256.Size:] {
		tree = append(tree, proof.Digest(rest[:sha256.Size]))
	}
	return tree
}
