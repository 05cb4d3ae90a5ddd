// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"aead.dev/minisign"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/proof"
	"github.com/moonfirefs/moonfirefs/proof/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct{ proof, key, roots string }

func newVerifyCommand() *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify FILE.mp4",
		Short: "Verify a file of footage by its proof, without a store",
		Long: `Compares a file, from a mount or an export, with its proof and says which pictures in
it, from which camera and of which time, are unchanged since the recorder signed them.

The proof lies beside the file: HOUR.proof.json in a mount, or what "moonfirefs export"
has written. The key is the recorder's public key, which you should have from somebody
you trust: a text that begins with RW, or a file.

Exit status: 0 if the file is unchanged, 1 if it does not fit its proof or the proof does
not fit the key, 2 if that could not be found out.`,
		Example: `  moonfirefs verify burglary.mp4 --key RWQ…
  moonfirefs verify 13.mp4 --proof 13.proof.json --key recorder.pub`,
		Args: asUsage(needs("FILE.mp4")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.key == "" {
				return &usageError{errors.New("--key is missing: the public key of the recorder, or a file that has it")}
			}
			return f.verify(cmd, args[0])
		},
	}
	cmd.Flags().StringVar(&f.proof, "proof", "", "the proof (default: beside the file)")
	cmd.Flags().StringVar(&f.key, "key", "", "the recorder's public key, or a file that has it (required)")
	cmd.Flags().StringVar(&f.roots, "tsa-roots", "", "file of the certificates (PEM) by which time stamps are to be trusted")
	return cmd
}

func (f *verifyFlags) verify(cmd *cobra.Command, path string) error {
	in, err := f.read(cmd.Context())
	var report *verify.Report
	if err == nil {
		report, err = in.compare(cmd.Context(), path)
	}
	switch {
	case errors.Is(err, proof.ErrSignature) || errors.Is(err, proof.ErrDocument):
		return &statusError{fmt.Errorf("NOT PROVEN: %w", err), exitFailure}
	case err != nil:
		return &statusError{err, exitUnchecked}
	}
	stampErr, err := in.tell(cmd.OutOrStdout(), report)
	switch {
	case err != nil: // who waits for the verdict does not have it
		return &statusError{err, exitUnchecked}
	case !report.Unchanged():
		return &statusError{fmt.Errorf("%s does not fit its proof", path), exitFailure}
	case stampErr != nil:
		return &statusError{fmt.Errorf("NOT PROVEN: %w", stampErr), exitFailure}
	}
	return nil
}

// evidence is what a file is compared with.
type evidence struct {
	key minisign.PublicKey
	// roots are nil if any time stamp is taken.
	roots *x509.CertPool
	// proofPath is empty if the proof lies beside the file.
	proofPath string
}

// read reads the key and the certificates, before a verdict is given that might need them.
func (f *verifyFlags) read(ctx context.Context) (*evidence, error) {
	in := &evidence{proofPath: f.proof}
	var err error
	if in.key, err = readPublicKey(ctx, f.key); err != nil || f.roots == "" {
		return in, err
	}
	text, err := readText(ctx, f.roots, maxRootsBytes)
	if err != nil {
		return in, fmt.Errorf("--tsa-roots: %w", err)
	}
	in.roots = x509.NewCertPool()
	if !in.roots.AppendCertsFromPEM(text) {
		return in, fmt.Errorf("--tsa-roots %s: it has no certificate", f.roots)
	}
	return in, nil
}

func (in *evidence) compare(ctx context.Context, path string) (*verify.Report, error) {
	document, err := readProof(ctx, orDefault(in.proofPath, proofPath(path)))
	if err != nil {
		return nil, err
	}
	file, err := durable.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return verify.File(ctx, file, info.Size(), document, in.key)
}

const (
	// maxKeyBytes is several times the size of a public key.
	maxKeyBytes = 64 << 10
	// maxRootsBytes is many times the size of all certificates that an operating system trusts.
	maxRootsBytes = 16 << 20
)

func readProof(ctx context.Context, path string) (*proof.Document, error) {
	return awaitAnswer(ctx, func() (*proof.Document, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return proof.Decode(file)
	})
}

// readPublicKey takes the text of a key, or a file that has it as minisign writes it.
func readPublicKey(ctx context.Context, text string) (key minisign.PublicKey, err error) {
	if key.UnmarshalText([]byte(strings.TrimSpace(text))) == nil {
		return key, nil
	}
	data, err := readText(ctx, text, maxKeyBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return key, &usageError{fmt.Errorf("--key %s: neither a public key nor a file", text)}
	case err != nil:
		return key, fmt.Errorf("--key: %w", err)
	}
	switch {
	case key.UnmarshalText(data) == nil:
		return key, nil
	case new(minisign.PrivateKey).UnmarshalText(data) == nil || minisign.IsEncrypted(data):
		return key, fmt.Errorf("--key %s: that is the private key, with which footage is signed: give it to nobody; the public one begins with RW", text)
	}
	return key, fmt.Errorf("--key %s: it is not a public key: a line that begins with RW, as \"moonfirefs init\" prints it", text)
}

// tell prints the verdict. stampErr says what is wrong with a time stamp.
func (in *evidence) tell(out io.Writer, report *verify.Report) (stampErr, err error) {
	report.Folder = printable.Text(report.Folder)
	for line := range strings.Lines(report.Text(in.key.ID())) {
		if _, err := fmt.Fprintln(out, printable.Text(strings.TrimSuffix(line, "\n"))); err != nil {
			return nil, err
		}
	}
	for _, s := range report.Signed {
		if len(s.TimeStamp) == 0 {
			continue
		}
		stamp, err := s.VerifyTimeStamp(in.roots)
		if err != nil {
			return err, nil
		}
		if _, err := fmt.Fprintln(out, printable.Text(report.TimeStamp(stamp, in.roots != nil))); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
