package git

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// contactOf asks the kernel for the TCP connections that the processes of a session have.
// Where it does not tell, nothing is concluded.
func contactOf(session int) contact {
	received, err := bytesReceived()
	if err != nil {
		return answered
	}
	found := noContact
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		if sessionOf(stat) != session {
			continue
		}
		descriptors, _ := filepath.Glob(filepath.Join(filepath.Dir(stat), "fd/*"))
		for _, descriptor := range descriptors {
			target, _ := os.Readlink(descriptor)
			if bytes, ok := received[target]; ok && bytes > 0 {
				return answered
			} else if ok {
				found = silence
			}
		}
	}
	return found
}

// sessionOf reads the session from a process's stat file, as proc_pid_stat(5) describes it;
// 0 if the process is gone.
func sessionOf(stat string) int {
	text, err := os.ReadFile(stat)
	if err != nil {
		return 0
	}
	// The second field is a name in brackets, which may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 4 {
		return 0
	}
	session, _ := strconv.Atoi(fields[3])
	return session
}

// What sock_diag(7) and linux/inet_diag.h call NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY and
// INET_DIAG_INFO; the states of a connection, as bits; and where in the kernel's structs
// the fields stand that are read.
const (
	netlinkSockDiag  = 4
	sockDiagByFamily = 20
	inetDiagInfo     = 2

	established, synSent = 1 << 1, 1 << 2

	inodeAt, messageSize = 68, 72 // struct inet_diag_msg
	bytesReceivedAt      = 128    // struct tcp_info
)

// bytesReceived gives how many bytes have come on each TCP connection of this machine that
// is open or about to be, by what a link to its socket reads.
func bytesReceived() (map[string]uint64, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkSockDiag)
	if err != nil {
		return nil, fmt.Errorf("asking for the connections: %w", err)
	}
	defer func() { _ = syscall.Close(fd) }()
	received := map[string]uint64{}
	for _, family := range []byte{syscall.AF_INET, syscall.AF_INET6} {
		if err := dumpConnections(fd, family, received); err != nil {
			return nil, fmt.Errorf("asking for the connections: %w", err)
		}
	}
	return received, nil
}

func dumpConnections(fd int, family byte, received map[string]uint64) error {
	const requestSize = syscall.NLMSG_HDRLEN + 56 // struct inet_diag_req_v2
	request := make([]byte, 0, requestSize)
	request = binary.NativeEndian.AppendUint32(request, requestSize)
	request = binary.NativeEndian.AppendUint16(request, sockDiagByFamily)
	request = binary.NativeEndian.AppendUint16(request, syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	request = append(request, make([]byte, 8)...) // the kernel fills in who asks
	request = append(request, family, syscall.IPPROTO_TCP, 1<<(inetDiagInfo-1), 0)
	request = binary.NativeEndian.AppendUint32(request, established|synSent)
	request = append(request, make([]byte, requestSize-len(request))...) // whichever connection
	if err := syscall.Sendto(fd, request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := syscall.Recvfrom(fd, buffer, 0)
		if err != nil {
			return err
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case syscall.NLMSG_DONE:
				return nil
			case syscall.NLMSG_ERROR:
				return syscall.EINVAL
			}
			if len(m.Data) < messageSize {
				continue
			}
			socket := fmt.Sprintf("socket:[%d]", binary.NativeEndian.Uint32(m.Data[inodeAt:]))
			received[socket] = receivedIn(m.Data[messageSize:])
		}
	}
}

// receivedIn finds the count among the attributes of a connection: each has its length, its
// type and its value, and begins at a multiple of four.
func receivedIn(attributes []byte) uint64 {
	for len(attributes) >= 4 {
		length := int(binary.NativeEndian.Uint16(attributes))
		if length < 4 || length > len(attributes) {
			break
		}
		if value := attributes[4:length]; binary.NativeEndian.Uint16(attributes[2:]) == inetDiagInfo && len(value) >= bytesReceivedAt+8 {
			return binary.NativeEndian.Uint64(value[bytesReceivedAt:])
		}
		attributes = attributes[min(len(attributes), (length+3)&^3):]
	}
	return 0
}
