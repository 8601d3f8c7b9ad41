import JSONCoding

@testable import Tokens

/// Fixed public keys, and tokens made with their private parts by PyJWT and the cryptography package of Python.
enum Samples {
    static let payload = #"{"sub":"alice","tenantId":"acme","exp":9999999999}"#

    static let modulus =
        "wWZEnC63VZYE1Tr9d8FWlp-jiF2OH3nVMzlaWmdN85SBjC5Fih2fCyJWQIB2V-C5zBH18CWYgztZkgJgr5OIoD2qWmZezXGWo5ojVaLsdwZikK"
        + "NcIvQxUiNLJ9fUTxRC2OtvsWXWMzJqIabP0xq-JhxfS0B56pAWzOhdghVDnmwMYtbAIJ4imCoA3XnP66jIWKv5FfAnG7icibcNZEpVJwHrfagH"
        + "qKxB3QbaAEaDxpC5f8e3N8t3YJX7E4OajkJpz3YvcSp0dYbI9Id_jG-yESJGfUseyeg0Q033B03Ln5B2_LFDLMSVdPJhLYvqcymi7IgNIV2dj0"
        + "BumA1oYoXM5Q"

    /// Members of a JWK each, without `kid`, `use` and `alg`.
    static let rsa = #""kty":"RSA","e":"AQAB","n":"\#(modulus)""#
    static let p256 =
        #""kty":"EC","crv":"P-256","x":"8gBjmyMxNTAPn3QOX1qA6suCCAE-PtyJEM87MHWZT2g","y":"JfJCEm9McEGYlricxNKbRPEPIFKaPV3hyyCBX9P9W1M""#
    static let p384 =
        #""kty":"EC","crv":"P-384","x":"5zmPYAf8wEn51gW1dRAlV09Ln3DGBrmbiEjDh3ziScKNQBLmwnXootWZzVucY-qq","#
        + #""y":"4c4gmLkR08K3DY9_SYD997IparXcvUW66Am7BzlOUU1DaIYCdXi5KPXT9XUi7SgL""#
    static let ed25519 = #""kty":"OKP","crv":"Ed25519","x":"aP7PGWATwvZ0p5G3H8UV_PPD_ulNlx_7yZTNzAar-GU""#

    /// One key of each kind, named as in the tokens' `kid`.
    static let set = document([#""kid":"rsa",\#(rsa)"#, #""kid":"p256",\#(p256)"#, #""kid":"p384",\#(p384)"#, #""kid":"ed",\#(ed25519)"#])

    static func document(_ keys: [String]) -> String {
        #"{"keys":[\#(keys.map { "{\($0)}" }.joined(separator: ","))]}"#
    }

    static func verifier(_ keys: [String]) throws -> TokenVerifier {
        try verifier(document(keys))
    }

    static func verifier(_ document: String) throws -> TokenVerifier {
        TokenVerifier(keys: KeySet(try JWKSet(parsing: Array(document.utf8)).keys))
    }

    /// A token of parts that are not encoded yet, but for the signature.
    static func token(_ header: String, payload: String = payload, _ signature: String) -> String {
        func encode(_ text: String) -> String { Base64.encode(Array(text.utf8), alphabet: .url, padding: false) }
        return "\(encode(header)).\(encode(payload)).\(signature)"
    }

    /// The token of an algorithm, under the `kid` of its key.
    static func token(_ algorithm: Algorithm) -> String {
        token(header(algorithm), signature(algorithm))
    }

    static func header(_ algorithm: Algorithm) -> String {
        #"{"alg":"\#(algorithm.rawValue)","kid":"\#(keyID(algorithm))"}"#
    }

    static func keyID(_ algorithm: Algorithm) -> String {
        switch algorithm {
        case .es256: "p256"
        case .es384: "p384"
        case .eddsa: "ed"
        default: "rsa"
        }
    }

    static let algorithms: [Algorithm] = Algorithm.allCases.filter { !Algorithm.ofSecrets.contains($0) }

    static func signature(_ algorithm: Algorithm) -> String {
        switch algorithm {
        case .rs256:
            "ijTVTnW4A0WdIOOsxShy40a14_shqW0TXg0Ux4mOKY_CzAVSN73ZRZwZ-WQqpk1R4SdrjoTdLYfzTxcbTHQPR-bk6Evbwxa77AJ3vs4ruuuYGk"
            + "omDYu9pZLEwZbdLR5SI2e0dZw5LfTgqQm5Bwjo3sotfKGiTa54m1AQrwJdLZGVkQKTbnIRLiO5xMWRawr8C-gqx9H6O9Vl8_xcBaCTL0Aom8lt"
            + "ckCYjP92qpG_BhUBlLV20evOqWtYKW4SuYtDLv-hTnM2OYSxcMmV53hFaRivDZVDW6s769YHGQNSMC5ElLLuh00jzRhkZye7lyufj0QmhkXtj6"
            + "PxYZbVAWpAlg"
        case .rs384:
            "ClgXP7PuJ0ZMFtOojEh-1wXQ2TJuJ2YgB71ncUfnqNX4RMgcgkxkilosWYc47Q3QDfQCkMzP92jWdeetU_9-9hvyHu70vApRGGXx-sDpQWLCtt"
            + "aGitUuxWbvpct_EMc1A7CvETbziErukm8PIyri3Rx74eC1DHd9vw-2grCRAi2JyN7uN899PnwrKnfmpjK6_1RPb7Ld16gL6O81Wat0kTXomxsU"
            + "YSrAR5nNuCYAPT5Sc0jvg9_gZ8VBH8UPBanNK5WJxoIuTogSUSfiuGDm4e3jp6JNM_C7HvjvbtZIZnv0klhljn71YTDMSGo53wXKue6Dr0Y9-c"
            + "AmFoJWZbnKFQ"
        case .rs512:
            "CpCcJQjTSVIDWj0PymYZyySVkqcCL-NcVyv3FV0V_7bxDutiT-v4E0bHIYr08wnLcm1IcjnztqFa-6ZBP-ZZ0hGJTSoUNVPyxSXcwiYwF-8Hhp"
            + "SPPAVsXNZ9_5veABMa69Ge58S3KT0SON7MD7qcM_p6X2X6Xy2BzwxKMORA9Y_s91iWSDjG7V3F4hCJDTayJvpB49i035iHOOhvsrMRknbF2KbC"
            + "oddN5Uj-0zao1GSoRbpZxchI_575CGe9_vwqBpZuCn_k4PvwprslvlLrjZM0j8RSOPHmS4DYe4nav60EI1tC0S-iKWPUM2OSMwLUBjZ7oq9nLg"
            + "r483lGcSjeMQ"
        case .ps256:
            "Bow_aJDJFk6H9ThepNXCXcAu8fRW9ndhUh0CqHpTfI82OYnvK7hZVQ84UPUsTR4_cYj0CFpTYyfWdn8gis-tG6-4nH_WROCpkxhXfk8Rc0W4kz"
            + "7RsJgu2APckBVdkeVzwzg_ChJF4ra9t99SBkCsI7btSi2kQBQzCbQSqLApoyndHyRqkIyJKif7JIn6IrV_bvZcF_baunPHqU7mLEu01QM5m-ad"
            + "mCykn9usuI96ad4xRWF9_Pw0Fuaqi_vxQ6Z6YCB6q4-2NGG3HTZ_MeqX7TF-QHOSaPb-lwndD9p511K3Z3ZnlpAd6ejR3ehsuOUMUgbTIW0c16"
            + "AQIXR7jHhtjA"
        case .ps384:
            "NKp4Wlov_owxoiiGZV7FiqTLpT9Oy-1b-HfAqTkhmtTliGnf8jLC2zqo_kS_53AmobSYLc6O3EeOcUuXomDQttHOttWxCEvgWRjegS9AhKxjVt"
            + "Pl0pA3G4Ni5PwkMPvsSnUjrAXmhIdnPl8exAQbqE6KtHP6Wk1nuBBQjlpxNeec_yyG7rn2PQCyPtS50oVuwGtTfAMooncSlAjb5hFtF3-wZ3Jh"
            + "1pT6ZPBv5OQeLVd-HUSCZHgNKlpayuq0YF9ywgJuOnBvQqnXxeLxgpDtxIPXr0BPO8w6XNrYr0vGoy2aFsUx5OKlHvLuCbycSRlKtx0zs7RUfR"
            + "IPaB3UceKh7g"
        case .ps512:
            "ozQMK-m9xhNDrvrmuWyy8RfxJeo21KYahLglcx3YjRjSqtcNJ3FYZUt7vznP2nkuf4rzV3Kn6lM679UvJ_0AttIWsUaleZCyQ54MGxb8OZV06x"
            + "7OsvwpxwsGYJEWcOoOcHEA5ZoHMaSucoDx3CMS2ETe06Y5HYldOuxKyw1GQ8xGTay4Xkfl8_LVxlyLjeB76070CAd-ywKQH6Gui5TnfdCbaQIU"
            + "16EVeroGswhBYPeyo2QzH4Rg_nPhv8ewmuEYyRmXY9Omz_j7cNPhzYG1GzgbqZFKuugFyzWBBacDUxNJuuNk281X3lZoVDnyOjKNQBsD1uZfM7"
            + "pOTAtwCyUFzg"
        case .es256:
            "1T-F_pn0PlSC6EBsDuUgSbp9wYFiaLIqgf7n7roNRhs3IlpZ201goN5v12m4AvlYzjnSu6aRBBqIcwPKVmCxtA"
        case .es384:
            "YmDdPgd5ln_s554wUsdWVF8eV0NNQGtuO-EE5A_d4IN3k2zIg2U-Rp-QG0JuHVHm8b41E-wddqqCMCiLHG97ZL4BuRFIAyCRoApFnUs_OE0KPf"
            + "vUcp_FGfrzKiFBdnJf"
        case .eddsa:
            "XsBYoj_iFlCxZcsKzlvXBxBGilOWb90ZoHXrdqFzg4kqlnLBc6dSFmGs2D-1OzJVwxOVDIarnH29G9Oxk7QrDg"
        case .hs256, .hs384, .hs512: preconditionFailure("a code is no signature")
        }
    }
}
