// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aead.dev/minisign"
	"github.com/google/uuid"
)

const (
	statementFormat = "moonfirefs day 1"
	// maxLeaves bounds the leaves of a day: a thousand streams with recordings of a second.
	maxLeaves = 1000 * 24 * 60 * 60
)

// ErrSignature is returned where a statement was not signed with the key.
var ErrSignature = errors.New("the signature does not fit the key")

// Statement is what is signed of the recordings of a date. It is signed as the text that
// Encode returns.
type Statement struct {
	Format string    `json:"format"`
	Store  uuid.UUID `json:"store"`
	// Number counts the statements of a store from 1. A date has another one if
	// recordings came late.
	Number int `json:"number"`
	// Date is the civil date in Zone, the store's (an IANA name), on which the recordings
	// begin.
	Date string `json:"date"`
	Zone string `json:"zone"`
	// Signed is this machine's time.
	Signed time.Time `json:"signed"`
	// Previous is the SHA-256 of the text of the statement before; all zero for the first.
	Previous Digest `json:"previous"`
	// Leaves counts the leaves of the tree, and Root is its head.
	Leaves int    `json:"leaves"`
	Root   Digest `json:"root"`
}

// Encode returns the text that is signed.
func (s *Statement) Encode() (string, error) {
	s.Format = statementFormat
	text, err := json.Marshal(s)
	return string(text) + "\n", err
}

// Signed is a statement as it was signed, with its signature in the form of minisign.
type Signed struct {
	Text      string `json:"statement"`
	Signature string `json:"signature"`
	// TimeStamp is a token of RFC 3161 for Text; nil if there is none.
	TimeStamp []byte `json:"timeStamp,omitempty"`
}

// Sign signs a statement.
func Sign(s *Statement, key minisign.PrivateKey) (*Signed, error) {
	text, err := s.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode statement: %w", err)
	}
	comment := fmt.Sprintf("moonfirefs %s number:%d timestamp:%d", s.Date, s.Number, s.Signed.Unix())
	return &Signed{Text: text, Signature: string(minisign.SignWithComments(key, []byte(text), comment, "signature of the footage of "+s.Date))}, nil
}

// Digest is what the next statement is chained to.
func (s *Signed) Digest() Digest { return sha256.Sum256([]byte(s.Text)) }

// Verify returns the statement if it was signed with the key, or else an error that wraps
// ErrSignature.
func (s *Signed) Verify(key minisign.PublicKey) (*Statement, error) {
	if !minisign.Verify(key, []byte(s.Text), []byte(s.Signature)) {
		var signature minisign.Signature
		if err := signature.UnmarshalText([]byte(s.Signature)); err == nil && signature.KeyID != key.ID() {
			return nil, fmt.Errorf("%w: it was made with the key %016X, not with %016X", ErrSignature, signature.KeyID, key.ID())
		}
		return nil, ErrSignature
	}
	return s.parse()
}

// parse takes exactly what Encode has made.
func (s *Signed) parse() (*Statement, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(s.Text)))
	d.DisallowUnknownFields()
	var statement Statement
	if err := d.Decode(&statement); err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	if statement.Format != statementFormat {
		return nil, fmt.Errorf("read statement: its format is %q, this program knows %q", statement.Format, statementFormat)
	}
	if statement.Leaves < 1 || statement.Leaves > maxLeaves {
		return nil, fmt.Errorf("read statement: %d leaves", statement.Leaves)
	}
	return &statement, nil
}
