package door

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// KeyPair is a certificate with its key in two PEM files. It is read again
// when one of them changes, so a renewed certificate needs no restart. Its
// methods may be called from several goroutines.
type KeyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu       sync.Mutex
	cert     *tls.Certificate
	certInfo fs.FileInfo
	keyInfo  fs.FileInfo
}

// LoadKeyPair reads a certificate, with what it was signed by behind it, and
// its key.
func LoadKeyPair(certFile, keyFile string, log *slog.Logger) (*KeyPair, error) {
	k := &KeyPair{certFile: certFile, keyFile: keyFile, log: log}
	var err error
	if k.certInfo, err = os.Stat(certFile); err != nil {
		return nil, fmt.Errorf("cannot read the certificate %s: %w", certFile, cause(err))
	}
	if k.keyInfo, err = os.Stat(keyFile); err != nil {
		return nil, fmt.Errorf("cannot read the key %s: %w", keyFile, cause(err))
	}
	if k.cert, err = k.read(); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *KeyPair) read() (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(k.certFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate %s: %w", k.certFile, cause(err))
	}
	keyPEM, err := os.ReadFile(k.keyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key %s: %w", k.keyFile, cause(err))
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate %s and key %s cannot be used together: %w", k.certFile, k.keyFile, err)
	}
	return &cert, nil
}

// cause is a file error without the path, which the sentence names already.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// Config is for a listener that offers this certificate: TLS 1.2 and newer.
func (k *KeyPair) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return k.current(), nil
		},
	}
}

// current returns the certificate that the files hold now, or the last one
// that could be used: while both files are being replaced they do not fit.
func (k *KeyPair) current() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	certInfo, err1 := os.Stat(k.certFile)
	keyInfo, err2 := os.Stat(k.keyFile)
	if err1 != nil || err2 != nil || same(certInfo, k.certInfo) && same(keyInfo, k.keyInfo) {
		return k.cert
	}
	k.certInfo, k.keyInfo = certInfo, keyInfo // a pair that does not fit is mentioned once
	cert, err := k.read()
	if err != nil {
		k.log.Error("the new certificate is not used; the old one goes on", "err", err)
		return k.cert
	}
	k.cert = cert
	k.log.Info("certificate was read again", "file", k.certFile)
	return cert
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
