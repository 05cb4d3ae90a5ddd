// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/digitorus/timestamp"
)

// TimeStamp is what an authority says: that it has seen a statement.
type TimeStamp struct {
	Time time.Time
	// Signer is the name in the certificate that the token brings. Whether that
	// certificate is to be trusted only VerifyTimeStamp tells.
	Signer string
}

// VerifyTimeStamp returns what the time stamp of a statement says, if it is for this
// statement and was signed by a certificate that leads to one of the roots. Where roots is
// nil, any certificate is taken.
func (s *Signed) VerifyTimeStamp(roots *x509.CertPool) (*TimeStamp, error) {
	token, err := timestamp.Parse(s.TimeStamp)
	if err != nil {
		return nil, fmt.Errorf("read time stamp: %w", err)
	}
	digest := sha256.Sum256([]byte(s.Text))
	if token.HashAlgorithm != crypto.SHA256 || !bytes.Equal(token.HashedMessage, digest[:]) {
		return nil, fmt.Errorf("the time stamp is of another statement: %w", ErrDocument)
	}
	if len(token.Certificates) == 0 {
		return nil, fmt.Errorf("the time stamp has no certificate: %w", ErrDocument)
	}
	signer := stampSigner(token.Certificates)
	if roots != nil {
		others := x509.NewCertPool()
		for _, c := range token.Certificates {
			others.AddCert(c)
		}
		_, err := signer.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: others, CurrentTime: token.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
		})
		if err != nil {
			return nil, fmt.Errorf("the certificate of the time stamp: %w", err)
		}
	}
	return &TimeStamp{Time: token.Time, Signer: signer.Subject.String()}, nil
}

// stampSigner is the certificate that may make time stamps (RFC 3161 §2.3).
func stampSigner(certificates []*x509.Certificate) *x509.Certificate {
	for _, c := range certificates {
		for _, usage := range c.ExtKeyUsage {
			if usage == x509.ExtKeyUsageTimeStamping {
				return c
			}
		}
	}
	return certificates[0]
}
