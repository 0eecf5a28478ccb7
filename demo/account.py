"""A service account's token, shaped and signed as an API server does it, without an API server.

The key lives in OpenBao's transit engine: nothing but OpenBao is needed to sign.
"""

import base64
import json
import time

from demo.openbao import OpenBao

ISSUER = "https://kubernetes.default.svc.cluster.local"


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens; stands in for the token endpoint of the API server."""

    def __init__(self, bao: OpenBao):
        self._bao = bao
        bao.write("sys/mounts/transit", {"type": "transit"})
        bao.write("transit/keys/service-accounts", {"type": "rsa-2048"})

    def public_key(self) -> str:
        """PEM."""
        return self._bao.read("transit/keys/service-accounts")["data"]["keys"]["1"]["public_key"]

    def token(self, namespace: str, account: str, pod: str, seconds: int = 3607) -> str:
        """The token that the kubelet would put into the pod's projected volume."""
        now = int(time.time())
        claims = {
            "aud": [ISSUER],
            "exp": now + seconds,
            "iat": now,
            "iss": ISSUER,
            "kubernetes.io": {
                "namespace": namespace,
                "pod": {"name": pod, "uid": "0c3e9d0a-6f0e-4b57-9d6b-4c3f5a2b1d77"},
                "serviceaccount": {"name": account, "uid": "5b0f5f0e-2f4d-4c7e-8f0b-7f1f7a3f9a11"},
            },
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        header = {"alg": "RS256", "kid": "demo"}
        signed = ".".join(_segment(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        answer = self._bao.write(
            "transit/sign/service-accounts/sha2-256",
            {"input": base64.b64encode(signed.encode()).decode(), "signature_algorithm": "pkcs1v15", "marshaling_algorithm": "jws"},
        )
        return f"{signed}.{answer['data']['signature'].rsplit(':', 1)[1]}"
