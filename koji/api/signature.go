package api

import "github.com/toji-build/toji/internal/rpc"

// RPMSignature is a signature of an RPM that the hub has a copy of.
type RPMSignature struct {
	RPMID   int64  `rpc:"rpm_id"`
	SigHash string `rpc:"sighash"` // MD5 sum of the signature header, hex
	SigKey  string `rpc:"sigkey"`  // the last 8 hex digits of the key's id; "" for an unsigned RPM
}

// QueryRPMSigsParams are the parameters of queryRPMSigs.
type QueryRPMSigsParams struct {
	RPMID     any            `rpc:"rpm_id,optional=None"` // as rpminfo of getRPM
	SigKey    *string        `rpc:"sigkey,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// AddRPMSigParams are the parameters of addRPMSig.
type AddRPMSigParams struct {
	RPM  any    `rpc:"an_rpm"` // as rpminfo of getRPM
	Data string `rpc:"data"`   // the signature header, base64
}

// WriteSignedRPMParams are the parameters of writeSignedRPM.
type WriteSignedRPMParams struct {
	RPM    any    `rpc:"an_rpm"` // as rpminfo of getRPM
	SigKey string `rpc:"sigkey"`
	Force  bool   `rpc:"force,optional=False"` // replace a copy that is there
}

// DeleteRPMSigParams are the parameters of deleteRPMSig.
type DeleteRPMSigParams struct {
	RPMInfo any     `rpc:"rpminfo"` // as rpminfo of getRPM
	SigKey  *string `rpc:"sigkey,optional=None"`
	AllSigs bool    `rpc:"all_sigs,optional=False"`
}

// GetRPMChecksumsParams are the parameters of getRPMChecksums.
type GetRPMChecksumsParams struct {
	RPMID         any  `rpc:"rpm_id"`
	ChecksumTypes any  `rpc:"checksum_types,optional=None"` // names; the hub's default if nil
	CacheOnly     bool `rpc:"cacheonly,optional=False"`     // nil instead of computing what is not known
}

// The methods for signatures.
var (
	QueryRPMSigs = rpc.Define(rpc.Method[QueryRPMSigsParams, rpc.Rows[RPMSignature]]{
		Name: "queryRPMSigs", Func: "query_rpm_sigs", Access: Anyone,
		Doc: "List signatures, of an RPM or by a key.",
	})
	AddRPMSig = rpc.Define(rpc.Method[AddRPMSigParams, rpc.None]{
		Name: "addRPMSig", Access: NeedPerm("sign"), Writes: true,
		Doc: "Keep the signature header of an RPM.",
	})
	WriteSignedRPM = rpc.Define(rpc.Method[WriteSignedRPMParams, rpc.None]{
		Name: "writeSignedRPM", Access: NeedPerm("sign"), Writes: true,
		Doc: "Write a copy of an RPM with a signature that the hub has.",
	})
	HostWriteSignedRPM = rpc.Define(rpc.Method[WriteSignedRPMParams, rpc.None]{
		Name: "host.writeSignedRPM", Access: NeedHost, Writes: true,
		Doc: "writeSignedRPM for hosts.",
	})
	DeleteRPMSig = rpc.Define(rpc.Method[DeleteRPMSigParams, rpc.None]{
		Name: "deleteRPMSig", Access: NeedPerm("admin"), Writes: true,
		Doc: "Forget one signature of an RPM, or all, and delete the signed copies.",
	})
	GetRPMChecksums = rpc.Define(rpc.Method[GetRPMChecksumsParams, map[string]any]{
		Name: "getRPMChecksums", Access: Anyone, Writes: true,
		Doc: "Return the checksums of an RPM's signed copies, by key and type.",
	})
)
