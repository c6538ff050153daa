"""Virtual keys for a proxy without a database: LiteLLM asks this file of the gateway's own team who a key is."""

from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

MODELS = {
    "key-of-everything": [],
    "key-of-one-model": ["house-model"],
    "key-of-routes": ["route/*"],
    "key-of-a-group": ["production"],
}


async def user_api_key_auth(request, api_key):
    if api_key == "key-of-the-admin":
        return UserAPIKeyAuth(api_key=api_key, user_role=LitellmUserRoles.PROXY_ADMIN)
    if api_key not in MODELS:
        raise ProxyException(message="no such key", type="auth_error", param="key", code=401)
    return UserAPIKeyAuth(api_key=api_key, key_alias=api_key, models=MODELS[api_key])
