// What several views ask of the server.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from './api';
import { useTellError } from './parts/ui';
import { go } from './route';

export function useHasBot() {
  return useQuery({ queryKey: ['has-bot'], queryFn: api.hasBot, staleTime: Infinity }).data ?? false;
}

export function useCreate() {
  const queries = useQueryClient();
  const tellError = useTellError();
  return useMutation({
    mutationFn: async () => {
      const bot = await queries.fetchQuery({ queryKey: ['has-bot'], queryFn: api.hasBot, staleTime: Infinity });
      return api.create(bot);
    },
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ['chats'] });
      go(made.chat_id);
    },
    onError: (error) => tellError(error),
  });
}

export function useOperations() {
  return useQuery({ queryKey: ['operations'], queryFn: ({ signal }) => api.operations(signal), staleTime: Infinity });
}
