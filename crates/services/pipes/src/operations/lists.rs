//! Lists of pipes, in pages.

use api::pipes::{ListPipesRequest, ListPipesResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use crate::errors::validation;
use crate::limits::{PAGE, ROWS_PER_PAGE};
use crate::record::Pipe;
use crate::service::Pipes;
use crate::{keys, rows};

/// Lists the pipes of the account by name.
///
/// # Errors
/// `ValidationException`.
pub async fn list_pipes(service: &Pipes, cx: &Ctx, input: ListPipesRequest) -> Result<ListPipesResponse, Error> {
    let range = keys::pipes_of(&cx.account, &cx.region, input.name_prefix.as_deref().unwrap_or_default());
    let range = match &input.next_token {
        None => range,
        Some(token) => {
            let after = BASE64.decode(token).ok().filter(|key| range.contains(key));
            range.after(&after.ok_or_else(|| validation("Invalid NextToken."))?)
        }
    };
    let is_wanted = |pipe: &Pipe| {
        let equals = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let begins = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| is.starts_with(wanted));
        equals(&input.desired_state, pipe.wanted())
            && equals(&input.current_state, pipe.state.text())
            && begins(&input.source_prefix, &pipe.source)
            && begins(&input.target_prefix, &pipe.target)
    };
    let most = input.limit.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(PAGE));
    let store = &service.platform.store;
    let found = store.scan(&keys::partition(), range, Direction::Forward, ROWS_PER_PAGE).await.or_failure()?;
    let mut pipes = Vec::new();
    for (index, (key, row)) in found.iter().enumerate() {
        let pipe: Pipe = rows::decode(row)?;
        if is_wanted(&pipe) {
            pipes.push(pipe.summary());
        }
        let is_over = index + 1 == found.len() && found.len() < ROWS_PER_PAGE;
        if !is_over && (pipes.len() == most || index + 1 == ROWS_PER_PAGE) {
            return Ok(ListPipesResponse { pipes: Some(pipes), next_token: Some(BASE64.encode(key)) });
        }
    }
    Ok(ListPipesResponse { pipes: Some(pipes), next_token: None })
}
